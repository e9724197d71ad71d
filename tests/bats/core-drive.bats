# core-drive.bats - what people rely on who drive cores from scripts.

bats_require_minimum_version 1.5.0
load helpers

program=${RAFTKIT_TESTS:-build/plain/tests}/core-drive

# Standard input, driven.
drive() {
	"$program"
}

# A "new" object for core 1, and whether it is refused.
refuses() {
	run -0 drive <<<"{\"core\":1,\"new\":${1//[$'\n\t']/}}"
	[ "$(jq -c '[.core,.rc]' <<<"$output")" = '[1,-1]' ] || {
		printf 'not refused: %s\n%s\n' "$1" "$output"
		return 1
	}
	[ -n "$(jq -r .error <<<"$output")" ]
}

accepts() {
	run -0 drive <<<"{\"core\":1,\"new\":${1//[$'\n\t']/}}"
	[ "$(jq -c '[.core,.rc]' <<<"$output")" = '[1,0]' ] || {
		printf 'refused: %s\n%s\n' "$1" "$output"
		return 1
	}
}

@test "core-drive: the documented new line is accepted" {
	accepts '{"voters":[1,2,3],"learners":[],"term":2,"vote":0,
		"log":[1,1,2],"snapshot":{"index":0,"term":0},"applied":0,
		"seed":7,"settings":{"election_timeout_fixed_ms":150,
		"heartbeat_interval_ms":30}}'
	accepts '{}'
	accepts '{"voters":[],"log":[]}'
	accepts '{"voters":[3,1,2],"snapshot":{"index":5,"term":2},"log":[2,3]}'
	accepts '{"snapshot":{"index":3,"term":2},"compacted":0,"log":[1,1,2,2]}'
	accepts '{"snapshot":{"index":3,"term":2},
		"compacted":{"index":1,"term":1},"log":[2,2,2],"commit":4}'
	accepts '{"log":[1,1],"configurations":[{"index":2,"voters":[1,2]}]}'
}

@test "core-drive: a contradiction in new is refused" {
	refuses '{"log":[2,1]}'
	refuses '{"log":[0]}'
	refuses '{"log":[1,3],"term":2}'
	refuses '{"log":[1],"applied":2}'
	refuses '{"log":[1,1],"commit":1,"applied":2}'
	refuses '{"log":[1],"commit":2}'
	refuses '{"voters":[1,1]}'
	refuses '{"voters":[0]}'
	refuses '{"voters":[1,2],"learners":[2]}'
	refuses '{"voters":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}'
	refuses '{"voters":[1,2,3,4,5,6,7,8,9,10],"learners":[11,12,13,14,15,16,17]}'
	refuses '{"term":9007199254740992}'
	refuses '{"snapshot":{"index":5,"term":0}}'
	refuses '{"snapshot":{"index":0,"term":5}}'
	refuses '{"snapshot":{"index":5,"term":2},"log":[1]}'
	refuses '{"snapshot":{"index":5,"term":2},"compacted":0,"log":[1,1,2]}'
	refuses '{"snapshot":{"index":2,"term":2},"compacted":0,"log":[1,1,2]}'
	refuses '{"snapshot":{"index":2,"term":1},"compacted":{"index":3,"term":1}}'
	refuses '{"compacted":{"index":3,"term":1},"log":[1]}'
	refuses '{"log":[1],"sizes":[1,2]}'
	refuses '{"log":[1],"configurations":[{"index":2,"voters":[1]}]}'
	refuses '{"log":[1,1],"configurations":[{"index":1,"voters":[]}]}'
	refuses '{"settings":{"no_such":1}}'
	refuses '{"settings":{"pre_vote":1}}'
	refuses '{"settings":{"heartbeat_interval_ms":0}}'
}

@test "core-drive: a wrong type is refused, whatever the field" {
	local field value
	for field in voters learners old term vote log sizes configurations \
		snapshot compacted commit applied seed settings; do
		for value in '"x"' true -1 1.5 '[-1]' '["x"]' '[{}]' \
			9007199254740992; do
			refuses "{\"$field\":$value}"
		done
	done
}

@test "core-drive: junk is answered line by line, and nothing ends it" {
	run -0 drive <<-'END'
		nonsense
		{
		[]
		"x"
		{}
		{"core":0,"status":true}
		{"core":-1,"event":"time"}
		{"core":"1","event":"time"}
		{"core":1,"event":"time"}
		{"core":1,"new":5}
		{"core":1,"new":{},"now":"x"}
		{"core":1,"core":1,"new":{}}
		{"core":1,"new":{}}
		{"core":1}
		{"core":1,"event":"no-such"}
		{"core":1,"event":5}
		{"core":1,"event":"receive"}
		{"core":1,"event":"receive","message":[]}
		{"core":1,"event":"receive","message":{"type":"vote"}}
		{"core":1,"event":"receive","message":{"type":"x","from":2,"term":1}}
		{"core":1,"event":"receive","message":{"type":"vote","from":0,"term":1}}
		{"core":1,"event":"receive","message":{"type":"vote_reply","from":2,"term":1}}
		{"core":1,"event":"receive","message":{"type":"append","from":2,"term":3,"terms":[3,2]}}
		{"core":1,"event":"receive","message":{"type":"append","from":2,"term":3,"terms":[3],"sizes":[]}}
		{"core":1,"event":"receive","message":{"type":"append","from":2,"term":3,"prev_index":9007199254740991,"prev_term":1,"terms":[3]}}
		{"core":1,"event":"propose","sizes":[]}
		{"core":1,"event":"propose","sizes":[-1]}
		{"core":1,"event":"propose","count":1000000000}
		{"core":1,"event":"configure"}
		{"core":1,"event":"configure","voters":[1,1]}
		{"core":1,"event":"persisted","seq":99}
		{"core":1,"event":"applied","index":99}
		{"core":1,"event":"snapshot_taken","index":99}
		{"core":1,"event":"snapshot_sent"}
		{"core":1,"event":"snapshot_received","index":0}
		{"core":1,"event":"compacted","index":99}
		{"core":1,"event":"time","now":-5}
		{"deliver":5}
		{"settle":5}
		{"expect":5}
		{"persist":99}
		{"no-such":true}
	END
	[ "${#lines[@]}" -eq 42 ]
	[ "$(jq -s 'map(select(.rc == 0)) | length' <<<"$output")" -eq 1 ]
	[ "$(jq -s 'map(select(.rc == -1 and (.error | length > 0))) | length' \
		<<<"$output")" -eq 41 ]
}

@test "core-drive: what a core sends, another receives as it is printed" {
	coproc drive
	say() {
		printf '%s\n' "$1" >&"${COPROC[1]}"
		IFS= read -r answer <&"${COPROC[0]}"
	}
	say '{"core":1,"new":{"voters":[1,2],"settings":{"pre_vote":false}}}'
	say '{"core":2,"new":{"voters":[1,2],"settings":{"pre_vote":false}}}'
	say '{"core":1,"now":150,"event":"campaign"}'
	vote=$(jq -c '.send[0].message' <<<"$answer")
	[ "$(jq -c '[.role,.persist.seq,.send[0].gate]' <<<"$answer")" = \
		'["candidate",1,1]' ]
	say '{"core":1,"event":"persisted","seq":1}'
	say "{\"core\":2,\"event\":\"receive\",\"message\":$vote}"
	reply=$(jq -c '.send[0].message' <<<"$answer")
	say '{"core":2,"event":"persisted"}'
	say "{\"core\":1,\"event\":\"receive\",\"message\":$reply}"
	[ "$(jq -r .role <<<"$answer")" = leader ]
	append=$(jq -c '.send[0].message' <<<"$answer")
	say '{"core":1,"event":"persisted"}'
	say '{"core":1,"event":"propose","sizes":[3,9],"token":5}'
	[ "$(jq -c .persist.append <<<"$answer")" = \
		'{"from":2,"to":4,"terms":[1,1],"sizes":[3,9]}' ]
	say "{\"core\":2,\"event\":\"receive\",\"message\":$append}"
	[ "$(jq -c .persist.append.terms <<<"$answer")" = '[1]' ]
	say '{"core":1,"status":true}'
	[ "$(jq -c '[.role,.term,.vote,.leader,.commit,.last_index,.last_term,
		.first_index,.log,.configuration.voters,.streams[0].peer,
		.streams[0].state]' <<<"$answer")" = \
		'["leader",1,1,1,0,3,1,1,[1,1,1],[1,2],2,"lagging"]' ]
}

@test "core-drive: a snapshot travels in four lines" {
	local settings='"settings":{"pre_vote":false}'
	run -0 drive <<-END
		{"core":1,"new":{"voters":[1,3],"term":3,"log":[3],"snapshot":{"index":4,"term":2},$settings}}
		{"core":3,"new":{"voters":[1,3],$settings}}
		{"core":1,"event":"campaign"}
		{"core":1,"event":"persisted"}
		{"core":1,"event":"receive","message":{"type":"vote_reply","from":3,"term":4,"granted":true,"request":1}}
		{"core":1,"event":"receive","message":{"type":"append_reply","from":3,"term":4,"stream":1,"request":2,"success":false,"conflict_index":1}}
	END
	send=$(jq -c '.snapshot_send[0]' <<<"${lines[5]}")
	[ "$(jq -c '[.peer,.snapshot.index]' <<<"$send")" = '[3,4]' ]
	message=$(jq -c 'del(.peer) + {type:"snapshot",from:1,term:4}' \
		<<<"$send")
	run -0 drive <<-END
		{"core":3,"new":{"voters":[1,3],$settings}}
		{"core":3,"event":"receive","message":$message}
		{"core":3,"event":"snapshot_received"}
		{"core":3,"event":"persisted"}
		{"core":3,"status":true}
	END
	[ "$(jq .chunk_wanted <<<"${lines[1]}")" = true ]
	[ "$(jq -c '.snapshot_install | [.keep_tail,.snapshot.index]' \
		<<<"${lines[2]}")" = '[false,4]' ]
	[ "$(jq -c '[.commit,.applied,.first_index,.log]' <<<"${lines[4]}")" = \
		'[4,4,5,[]]' ]
}

@test "core-drive: a disk starts the same core again" {
	run -0 drive <<-'END'
		{"core":1,"new":{"settings":{"pre_vote":false}}}
		{"core":1,"event":"campaign"}
		{"core":1,"event":"persisted"}
		{"core":1,"event":"propose","sizes":[3,9]}
		{"core":1,"event":"persisted"}
		{"core":1,"disk":true}
	END
	disk=$(jq -c .disk <<<"${lines[5]}")
	run -0 drive <<-END
		{"core":1,"new":$disk}
		{"core":1,"status":true}
		{"core":1,"disk":true}
	END
	[ "$(jq -c '[.term,.vote,.log]' <<<"${lines[1]}")" = '[1,1,[1,1,1]]' ]
	[ "$(jq -c .disk <<<"${lines[2]}")" = "$disk" ]
}

@test "core-drive: an expectation that is not met exits 1" {
	run -1 drive <<-'END'
		{"core":1,"new":{}}
		{"expect":{"1":{"role":"leader"}}}
	END
	[[ $output == *'"expect":"not met"'*'"is":"follower"'* ]]
	run -2 "$program" --no-such </dev/null
}
