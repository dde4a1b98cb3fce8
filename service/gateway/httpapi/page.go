package httpapi

import (
	"net/http"
	"time"
)

// pages are the routes of what others serve here, each for GET alone.
func (s *Server) pages() (list []route) {
	for path, handler := range s.config.Pages {
		list = append(list, route{path, get("page", func(x *exchange) { x.page(handler) }, "")})
	}
	return list
}

// page has another handler answer.
func (x *exchange) page(handler http.Handler) {
	if err := http.NewResponseController(x.w).SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return // the connection is gone
	}
	handler.ServeHTTP(&coded{x.w, &x.code}, x.r)
	if why := x.turnedAway(); why != "" {
		x.server.door.Deny(x.r.URL.Path+": "+why, x.r.RemoteAddr)
	}
}

// turnedAway is why a page was not shown, unless its browser was only told to ask for
// credentials.
func (x *exchange) turnedAway() string {
	switch {
	case x.code == http.StatusUnauthorized && x.r.Header.Get("Authorization") != "":
		return "wrong user or password; --auth-user and --auth-password say which are right"
	case x.code == http.StatusForbidden:
		return "without --auth-user and --auth-password it is for the machine that natslock runs on"
	}
	return ""
}

// coded notes the code of an answer.
type coded struct {
	http.ResponseWriter
	code *int
}

// WriteHeader begins the answer.
func (c *coded) WriteHeader(code int) {
	if *c.code == 0 {
		*c.code = code
	}
	c.ResponseWriter.WriteHeader(code)
}

// Write goes on with the answer.
func (c *coded) Write(body []byte) (int, error) {
	if *c.code == 0 {
		*c.code = http.StatusOK
	}
	return c.ResponseWriter.Write(body)
}
