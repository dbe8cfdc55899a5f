# SPDX-License-Identifier: GPL-2.0
#
# The "Worked frames" of protocol.rst as rows of struct worked_frame, so that
# the tests read the page that people read.

function finish()
{
	if (name != "" && bytes != "")
		printf "\t{ \"%s\", \"%s\", (const u8 []){ %s}, %d },\n", name, fields, bytes, count
	name = ""; fields = ""; bytes = ""; count = 0
}

/^Worked frames/ { inside = 1 }
!inside { next }
/^    # / {
	finish()
	name = $2
	line = $0
	sub(/^    # [^ ]+ ?/, "", line)
	fields = " " line " "
	next
}
/^    [0-9a-f][0-9a-f]( |$)/ {
	for (i = 1; i <= NF; i++) {
		bytes = bytes "0x" $i ", "
		count++
	}
}
END { finish() }
