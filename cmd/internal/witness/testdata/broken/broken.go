// Package broken does not compile.
package broken

import "sync"

var mu sync.Mutexx
