package schema

// Validate checks an acquire: see Request.
func (m *Acquire) Validate() error {
	return first(
		checkNames(m.Name, m.Names, MaxNames),
		checkDistinct(m.Names),
		checkText("client", m.Client, MaxClient),
		checkText("owner", m.Owner, MaxOwner),
		checkSession(m.Session),
		m.checkRequest(),
		m.checkMode(),
		m.checkTTL(),
		m.checkWait(),
		checkMeta(m.Meta),
		m.checkFresh(),
	)
}

func (m *Acquire) checkFresh() error {
	if m.Fresh && (m.Name == "" || m.Wait != 0) {
		return invalid("fresh", "is for one name, and without wait_ms")
	}
	return nil
}

func (m *Acquire) checkRequest() error {
	if m.Request != "" && m.Client == "" {
		return invalid("request", "needs a client")
	}
	return checkText("request", m.Request, MaxID)
}

func (m *Acquire) checkMode() error {
	if m.Mode != "" && !m.Mode.Valid() {
		return invalid("mode", "want exclusive or shared")
	}
	if m.Size != 0 && m.Mode != ModeShared {
		return invalid("size", "is for the mode shared")
	}
	return checkRange("size", m.Size, 0, MaxSize)
}

func (m *Acquire) checkTTL() error {
	if m.TTL != nil && *m.TTL == 0 && m.Session == "" {
		return invalid("ttl_ms", "0 needs a session")
	}
	return checkTTL(m.TTL)
}

func (m *Acquire) checkWait() error {
	if m.Wait != WaitForever {
		return checkRange("wait_ms", m.Wait, 0, MaxWait)
	}
	if m.Session == "" {
		return invalid("wait_ms", "-1 needs a session")
	}
	return nil
}

// Validate checks a release: see Request.
func (m *Release) Validate() error {
	return first(
		m.checkForm(),
		checkText("client", m.Client, MaxClient),
		checkText("owner", m.Owner, MaxOwner),
		checkToken("token", m.Token),
		checkSession(m.Session),
		m.checkSingle(),
		m.checkForget(),
	)
}

func (m *Release) checkForget() error {
	if m.Forget != "" && m.Client == "" {
		return invalid("forget", "needs a client, as the request that it names")
	}
	return checkText("forget", m.Forget, MaxID)
}

// checkSingle checks what goes with one name only.
func (m *Release) checkSingle() error {
	switch {
	case m.Name != "":
		return nil
	case m.Show:
		return invalid("show", "is for one name")
	case m.Forget != "":
		return invalid("forget", "is for one name")
	}
	return nil
}

// checkForm checks that it is name with token or owner, names with owner, or
// locks.
func (m *Release) checkForm() error {
	if len(m.Locks) > 0 {
		return m.checkLocks()
	}
	if err := checkNames(m.Name, m.Names, MaxNames); err != nil {
		return err
	}
	switch several := len(m.Names) > 0; {
	case several && m.Token != 0:
		return invalid("token", "is for one name; with names give owner, or give locks")
	case several && m.Owner == "":
		return invalid("owner", "required with names")
	case m.Token != 0 && m.Owner != "":
		return invalid("owner", "give token or owner, not both")
	case m.Token == 0 && m.Owner == "":
		return invalid("token", "required, or owner")
	}
	return nil
}

func (m *Release) checkLocks() error {
	switch {
	case m.Name != "" || len(m.Names) > 0:
		return invalid("locks", "give name, names or locks, one of them")
	case m.Token != 0:
		return invalid("token", "give token or locks, not both")
	case m.Owner != "":
		return invalid("owner", "give owner or locks, not both")
	case len(m.Locks) > MaxNames:
		return tooMany(MaxNames).within("locks").finish()
	}
	for i, l := range m.Locks {
		at := "locks" + index(i)
		if err := first(checkName(at+".name", l.Name), checkGivenToken(at+".token", l.Token)); err != nil {
			return err
		}
	}
	return nil
}

// Validate checks a renew: see Request.
func (m *Renew) Validate() error {
	return first(
		checkName("name", m.Name),
		checkText("client", m.Client, MaxClient),
		checkGivenToken("token", m.Token),
		checkTTL(m.TTL),
	)
}

// Validate checks a cancel: see Request.
func (m *Cancel) Validate() error {
	return first(
		checkName("name", m.Name),
		checkGiven("client", m.Client),
		checkText("client", m.Client, MaxClient),
		checkGiven("request", m.Request),
		checkText("request", m.Request, MaxID),
	)
}

// Validate checks an inspect: see Request.
func (m *Inspect) Validate() error {
	return first(
		checkNames(m.Name, m.Names, MaxInspect),
		checkText("client", m.Client, MaxClient),
	)
}

// Validate checks a list: see Request. Whether the cursor is one is for the
// service to tell.
func (m *List) Validate() error {
	limit := int64(DefaultListLimit)
	if m.Limit != nil {
		limit = *m.Limit
	}
	return first(
		checkText("prefix", m.Prefix, MaxName),
		checkText("holder", m.Holder, MaxClient),
		checkSession(m.Session),
		checkText("client", m.Client, MaxClient),
		checkRange("limit", limit, 1, MaxListLimit),
		checkText("cursor", m.Cursor, MaxCursor),
	)
}

// Validate checks a keepalive: see Request.
func (m *Keepalive) Validate() error {
	return first(
		checkPresence(m.Session),
		checkText("client", m.Client, MaxClient),
		checkOptional("ttl_ms", m.TTL, MinSessionTTL, MaxSessionTTL),
		checkText("server", m.Server, MaxID),
		m.checkConnection(),
		checkOptional("grace_ms", m.Grace, 0, MaxGrace),
		checkToken("epoch", m.Epoch),
		checkToken("n", m.N),
	)
}

func (m *Keepalive) checkConnection() error {
	switch {
	case m.Server == "" && m.CID != nil:
		return invalid("server", "required with cid")
	case m.Server != "" && m.CID == nil:
		return invalid("cid", "required with server")
	}
	return nil
}

// Validate checks a leave: see Request.
func (m *Leave) Validate() error {
	return first(
		checkGiven("session", m.Session),
		checkSession(m.Session),
		checkText("client", m.Client, MaxClient),
		checkToken("epoch", m.Epoch),
	)
}

// Validate checks a force: see Request.
func (m *Force) Validate() error {
	return first(
		checkName("name", m.Name),
		checkText("client", m.Client, MaxClient),
		checkToken("token", m.Token),
		checkText("reason", m.Reason, MaxReason),
	)
}
