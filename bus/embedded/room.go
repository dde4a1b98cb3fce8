package embedded

// What of a disk is kept free: whatever makes the store smaller is written to its
// end first, and blocks are written anew when most of them is out of date.
const (
	diskReserve = 128 << 20 // bytes, but no more than
	diskShare   = 8         // one part of so many of the disk
)

// DiskRoom is how many bytes the store may take beside those that it has until its
// disk is nearly full, by whomever; a negative number if that is not known.
func (s *Server) DiskRoom() int64 {
	size, free, ok := disk(s.data.path)
	if !ok {
		return -1
	}
	return diskRoom(size, free)
}

func diskRoom(size, free int64) int64 { return max(free-min(diskReserve, size/diskShare), 0) }
