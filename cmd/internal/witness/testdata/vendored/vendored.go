// Package vendored uses a module in its vendor folder.
package vendored
