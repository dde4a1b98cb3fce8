/*
Package console is the page on which people see the locks of a realm as they
change, and take, give back and end some: plain HTML, CSS and JavaScript, embedded
in the program, which calls the HTTP door that it is served by and nothing else.

# Who sees it

/console is for whoever is on the same machine, if there are no credentials: the
connection comes from loopback, and no proxy has said that it stands for somebody
else. The door has seen to it that the Host is one of this machine, so that web
sites cannot pass for it. With credentials, /console and /test are for those who
have them, from everywhere, by basic authentication; without, there is no /test.

The credentials guard the page, and not the calls: whoever reaches the address may
make those without a page, as package httpapi says.

# What it does

It lists a realm, and lists it again when an event says that something has changed,
and now and then, since renewals are no events. What a tab holds lives by a TTL,
which the tab renews; when the tab is closed or reloaded it gives back what it holds,
and if it could not, the TTL passes. No reload keeps a hold: a page that is left does
not know whether it will be there again. A tab believes in a hold until an event or a
list says otherwise, a renewal is refused, or the TTL has passed without one.

The chart has what was seen: nothing from before the page was open, or from while
the connection was lost. Waits and grants are events of the realm. Refusals are
waits that ended without a grant, and the metrics' acquires that were answered held
at once, which are those of one natslock and all realms: no event tells of them.
*/
package console
