package coordinator

// ParsePage reads a page's name.
var ParsePage = parsePage
