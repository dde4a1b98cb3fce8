package embedded

// Listening reports whether anybody listens to a subject in the account of
// workers and callers. It sees what the server sees when it routes a message,
// at a fraction of the cost of one.
func (s *Server) Listening(subject string) bool {
	return s.account.SubscriptionInterest(subject)
}
