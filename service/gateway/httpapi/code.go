package httpapi

import (
	"net/http"

	"github.com/natslock/natslock/schema"
)

// Code is the HTTP status of a reply.
func Code(s schema.Status) int {
	switch s {
	case schema.StatusHeld, schema.StatusTimeout, schema.StatusCanceled, schema.StatusSizeMismatch:
		return http.StatusConflict
	case schema.StatusNotHeld, schema.StatusSessionExpired:
		return http.StatusGone
	case schema.StatusInvalid:
		return http.StatusBadRequest
	case schema.StatusDenied:
		return http.StatusForbidden
	case schema.StatusLimit:
		return http.StatusTooManyRequests
	case schema.StatusUnavailable:
		return http.StatusServiceUnavailable
	default:
		if s.OK() {
			return http.StatusOK
		}
		return http.StatusInternalServerError
	}
}
