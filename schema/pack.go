package schema

// The first bytes of MessagePack values.
const (
	packFixMap  = 0x80
	packFixList = 0x90
	packFixText = 0xa0
	packNull    = 0xc0
	packFalse   = 0xc2
	packTrue    = 0xc3
	packBin8    = 0xc4
	packBin32   = 0xc6
	packExt8    = 0xc7
	packExt32   = 0xc9
	packFloat32 = 0xca
	packFloat64 = 0xcb
	packUint8   = 0xcc
	packUint16  = 0xcd
	packUint32  = 0xce
	packUint64  = 0xcf
	packInt8    = 0xd0
	packInt16   = 0xd1
	packInt32   = 0xd2
	packInt64   = 0xd3
	packFixExt1 = 0xd4
	packText8   = 0xd9
	packText16  = 0xda
	packText32  = 0xdb
	packList16  = 0xdc
	packList32  = 0xdd
	packMap16   = 0xde
	packMap32   = 0xdf
	packNegFix  = 0xe0
)

func packKind(c byte) kind {
	switch {
	case c < packFixMap || c >= packNegFix:
		return kindNumber
	case c < packFixList || c >= packMap16:
		return kindObject
	case c < packFixText || c >= packList16:
		return kindList
	case c < packNull || c >= packText8:
		return kindText
	case c == packNull:
		return kindNull
	case c == packFalse || c == packTrue:
		return kindFlag
	case c >= packBin8 && c <= packBin32:
		return kindBinary
	case c >= packFloat32 && c <= packInt64:
		return kindNumber
	case c >= packExt8:
		return kindExtension
	}
	return kindBroken
}

// packLayout tells of a first byte how many bytes of a length follow it or,
// without any, the length itself.
func packLayout(c byte) (width int, size uint64) {
	switch {
	case c < packFixMap || c >= packNegFix:
		return 0, 0
	case c < packFixText:
		return 0, uint64(c & 0x0f)
	case c < packNull:
		return 0, uint64(c & 0x1f)
	case c >= packMap16:
		return 2 << (c - packMap16), 0
	case c >= packList16:
		return 2 << (c - packList16), 0
	case c >= packText8:
		return 1 << (c - packText8), 0
	case c >= packFixExt1:
		return 0, 1 << (c - packFixExt1)
	case c >= packInt8:
		return 0, 1 << (c - packInt8)
	case c >= packUint8:
		return 0, 1 << (c - packUint8)
	case c >= packFloat32:
		return 0, 4 << (c - packFloat32)
	case c >= packExt8:
		return 1 << (c - packExt8), 0
	case c >= packBin8:
		return 1 << (c - packBin8), 0
	}
	return 0, 0
}
