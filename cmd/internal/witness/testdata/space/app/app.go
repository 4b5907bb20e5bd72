// Package app uses a module of the same workspace.
package app
