// Package objecthash hashes JSON as the npm package object-hash, with its default
// options, hashes what JavaScript's JSON.parse makes of it.
//
// What is hashed is a text that describes the value and those that it inherits
// from: of an object its members by name, after the three that every object has,
// prototype, __proto__ and constructor. A text in place of an object that was met
// before says how many were met before that.
package objecthash

import (
	"crypto/sha1" //nolint:gosec // it is what object-hash takes, and identifies, not protects
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"unicode/utf16"
)

// ErrJSON is returned for what is not JSON.
var ErrJSON = errors.New("objecthash: not JSON")

// Sum returns the hash of a JSON value, 40 digits.
func Sum(data []byte) (string, error) {
	text, err := canonical(data)
	if err != nil {
		return "", err
	}
	sum := sha1.Sum(text) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:]), nil
}

// canonical returns what is hashed.
func canonical(data []byte) ([]byte, error) {
	if !json.Valid(data) {
		return nil, ErrJSON
	}
	p := parser{rest: data}
	w := writer{proto: unmet, constructor: unmet}
	w.value(p.value())
	return w.text, nil
}

// unmet is the place of what was not met yet.
const unmet = -1

// The members that every object has, and those that are functions.
const (
	memberPrototype   = "prototype"
	memberProto       = "__proto__"
	memberConstructor = "constructor"
)

// writer writes the text of a value.
type writer struct {
	text        []byte
	met         int // how many arrays, objects and functions were met
	proto       int // the place of what objects inherit from among them
	constructor int // the place of its constructor
}

func (w *writer) value(v *value) {
	switch v.kind {
	case kindNull:
		w.raw("Null")
	case kindBool:
		w.raw("bool:" + strconv.FormatBool(v.truth))
	case kindNumber:
		w.raw("number:" + number(v.number))
	case kindString:
		w.units(v.text)
	case kindArray, kindObject:
		switch {
		case v.place != unmet:
			w.circular(v.place)
		case v.kind == kindArray:
			w.meet(&v.place)
			w.array(v)
		default:
			w.meet(&v.place)
			w.object(v)
		}
	}
}

func (w *writer) array(v *value) {
	w.raw("array:" + strconv.Itoa(len(v.elements)) + ":")
	for _, e := range v.elements {
		w.value(e)
	}
}

func (w *writer) object(v *value) {
	members := v.sorted()
	w.raw("object:" + strconv.Itoa(len(members)+3) + ":")
	w.member(memberPrototype, v, func() { w.raw("Undefined") })
	w.member(memberProto, v, w.inherited)
	w.member(memberConstructor, v, w.function)
	for _, m := range members {
		w.units(m.name)
		w.raw(":")
		w.value(m.value)
		w.raw(",")
	}
}

// member writes a member that every object has: its own, or else what it inherits.
func (w *writer) member(name string, of *value, inherit func()) {
	w.string(name)
	w.raw(":")
	if own := of.own(name); own != nil {
		w.value(own)
	} else {
		inherit()
	}
	w.raw(",")
}

// inherited writes Object.prototype.
func (w *writer) inherited() {
	if w.proto != unmet {
		w.circular(w.proto)
		return
	}
	w.meet(&w.proto)
	w.raw("object:3:")
	w.string(memberPrototype)
	w.raw(":Undefined,")
	w.string(memberProto)
	w.raw(":Null,")
	w.string(memberConstructor)
	w.raw(":")
	w.function()
	w.raw(",")
}

// function writes Object.
func (w *writer) function() {
	w.raw("fn:")
	w.string("[native]")
	w.string("function-name:Object")
	if w.constructor != unmet {
		w.circular(w.constructor)
		return
	}
	w.meet(&w.constructor)
	w.raw("object:0:")
}

func (w *writer) meet(place *int) {
	*place = w.met
	w.met++
}

func (w *writer) circular(place int) { w.string("[CIRCULAR:" + strconv.Itoa(place) + "]") }

func (w *writer) raw(s string) { w.text = append(w.text, s...) }

// string writes a text of ASCII.
func (w *writer) string(s string) { w.raw("string:" + strconv.Itoa(len(s)) + ":" + s) }

// units writes a text of UTF-16. Half a pair becomes what node makes of it.
func (w *writer) units(u []uint16) {
	w.raw("string:" + strconv.Itoa(len(u)) + ":" + string(utf16.Decode(u)))
}
