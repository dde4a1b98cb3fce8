// Package bustest helps to test what stands on a bus.Store: Memory is a store
// in memory that fails as it is told to, and RunStoreSuite is what every store
// must pass.
package bustest
