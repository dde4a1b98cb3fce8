#!/usr/bin/env bash
# Does what the README tells its reader to do, and compares its listings with
# the files they come from; and sees that the links of all pages lead somewhere. A
# comment before a fence says how:
#
#   ```sh                      run; a ```text fence after it is what it prints, where
#                              digits stand for any number, … for anything, and
#                              empty lines for nothing
#   <!-- background -->        started, and left running
#   <!-- instead -->           the same, when what was started before has been ended
#   <!-- until interrupted --> run for a moment
#   <!-- on its own -->        run, but not with the server that was started
#   <!-- not here: why -->     not run, which is said
#   <!-- file: path -->        the listing is part of that file
source "$(dirname "$0")/env.sh"
source .ci/server.sh
page=${1:-README.md}
bash .ci/natscli.sh
export GOBIN=$work/bin PATH="$work/bin:$PATH"

for text in *.md docs/*.md; do
	while read -r link; do
		[[ -e $(dirname "$text")/$link ]] || die "$text: nothing is at $link"
	done < <(sed -nE ':more; s|\]\(([^):#]+)[)#]|\n@\1\n|; t more; p' "$text" | sed -n 's|^@||p')
done

# One file for each fence: its number, what it holds and how it is marked.
awk -v dir="$work" '
	/^<!-- .* -->$/ { mark = substr($0, 6, length($0) - 9); next }
	/^```/ && !open { open = 1; n++; kind = substr($0, 4); file = sprintf("%s/%03d.%s", dir, n, kind)
	                  printf "%s", "" > file; print mark > (file ".mark"); close(file ".mark"); mark = ""; next }
	/^```/          { open = 0; close(file); next }
	open            { print > file; next }
	NF              { mark = "" }
	END             { if (open) { print FILENAME ": a fence is not closed" > "/dev/stderr"; exit 1 } }
' "$page"

# What is run finds the server where it listens here.
sed -i -E "s/(127\.0\.0\.1|0\.0\.0\.0):8080/$NATSLOCK_HTTP/g" "$work"/[0-9]*.sh

# same ACTUAL EXPECTED: whether a text is as the page shows it.
same() {
	local want
	want=$(essence "$2" | sed -E 's/[][\\.*^$+?(){}|]/\\&/g; s/…/.*/g')
	[[ $(essence "$1") =~ ^$want$ ]]
}
essence() { sed -E 's/[0-9]+/0/g; s/[ \t]+$//; /^$/d' "$1"; }

ran=0
for fence in "$work"/[0-9]*.*; do
	[[ $fence == *.mark || $fence == *.out ]] && continue
	mark=$(<"$fence.mark")
	case ${fence##*.}:$mark in
	*:"file: "*)
		[[ $(<"${mark#file: }") == *"$(<"$fence")"* ]] || die "$page: the listing of ${mark#file: } differs from it"
		;;
	sh:background | sh:instead)
		[[ $mark == background ]] || halt
		say "$(<"$fence")  &"
		background bash -euo pipefail "$fence"
		;;
	sh:"until interrupted")
		say "$(<"$fence")"
		status=0
		timeout --signal=INT 2 bash -euo pipefail "$fence" </dev/null || status=$?
		((status == 124)) || die "ended by itself, with exit status $status: $(<"$fence")"
		ran=$((ran + 1))
		;;
	sh:"not here: "*)
		say "not run, ${mark#not here: }: $(<"$fence")"
		;;
	sh: | sh:"on its own")
		say "$(<"$fence")"
		out=$fence.out
		alone=()
		[[ -n $mark ]] && alone=(env -u NATSLOCK_SERVER -u NATSLOCK_DATA -u NATSLOCK_NATS -u NATSLOCK_HTTP)
		"${alone[@]}" bash -euo pipefail "$fence" </dev/null 2>&1 | tee "$out"
		ran=$((ran + 1))
		;;
	text:)
		same "$out" "$fence" || die "$page: the output differs from: $(<"$fence")"
		;;
	*) die "$page: a fence of the kind ${fence##*.}, marked '$mark': nobody checks it" ;;
	esac
done
((ran > 0)) || die "$page: no command found"
say "$page: $ran fences run"
