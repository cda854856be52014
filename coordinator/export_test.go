package coordinator

// ParsePage reads a page's name.
var ParsePage = parsePage

// MaxFirsts bounds the first requests that wait.
const MaxFirsts = maxFirsts
