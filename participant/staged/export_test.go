package staged

// Messages reads a branch's work.
var Messages = messages
