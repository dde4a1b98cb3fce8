/*
Package fan hands what one source tells out to many readers, none of whom can hold
up the source or another reader. What is told is kept once, however many read it:
the last of it in a ring, in which each reader has a place. A reader that is further
behind than the ring is long is cut off.

A Hub has a source for each key while somebody reads it: it is begun for the first
reader, and ended with the last.
*/
package fan
