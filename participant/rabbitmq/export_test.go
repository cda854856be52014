package rabbitmq

// What the tests of the server's words look at.
var (
	Judge       = judge
	CurrentType = currentType
	Old         = old
	Fits        = fits
)
