package client_test

// Placeholder until the test of a stopped process is written.
const holderURL = "NATSLOCK_TEST_HOLDER_URL"

func holdInProcess() {}
