/*
Package script has the socket.io client for pages: the files that the server of npm
serves at /socket.io/, and that pages name in their script elements, so that such a
page needs another address and nothing else.

The files in dist are those of the package socket.io-client of npm, at Version,
compressed. They are under the MIT license, which is beside them, and .ci/socketio.sh
compares them with the package. The build for msgpack is not there: it speaks another
encoding than the server here.
*/
package script
