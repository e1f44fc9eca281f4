#include "lib/trace.h"

static const struct {
	const char *layer, *word, *text;
} step[] = {
#define X(name, layer, word, text) { #layer, word, text },
	TRACE_STEPS(X)
#undef X
};

const char *
trace_word(enum trace_step s)
{
	return step[s].word;
}

const char *
trace_text(enum trace_step s)
{
	return step[s].text;
}

const char *
trace_layer(enum trace_step s)
{
	return step[s].layer;
}

const char *
trace_kind_name(enum trace_kind k)
{
	static const char *const name[] = { [TRACE_SHORTCUT] = "shortcut", [TRACE_HUB] = "hub", [TRACE_PEER] = "peer", [TRACE_INCOMING] = "incoming" };

	return name[k];
}
