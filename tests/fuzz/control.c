/* tests/fuzz/control.c: libFuzzer target of the control socket's requests and of nhrpctl's reading of answers. The engines
 * are the fakes of the unit tests. Every request gets one line of JSON that says whether it was understood. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nhrpd/daemon/control_words.h"
#include "tests/unit/daemon/fakes.h"
#include "tools/render.h"

static void
answer(const struct control_src *src, const char *request, size_t n, FILE *null)
{
	char *line = control_answer(src, FAKES_NOW, request, n), why[64];
	struct control_cmd cmd;
	json_t *o;

	if (!line || !strchr(line, '\n') || strchr(line, '\n')[1] != '\0' || !(o = json_loads(line, 0, NULL)))
		abort();
	if (!json_is_boolean(json_object_get(o, "ok")) || json_is_true(json_object_get(o, "ok")) == !json_object_get(o, "data"))
		abort();
	if (json_is_true(json_object_get(o, "ok"))) {
		if (!control_parse(json_string_value(json_object_get(o, "cmd")), &cmd, why, sizeof(why)))
			cmd.verb = CONTROL_CLEAR_PEER;	/* the only one that needs an argument */
		render(null, cmd.verb, json_object_get(o, "data"));
	}
	json_decref(o);
	free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct control_src src;
	static FILE *null;
	char *quoted = malloc(2 * n + 16);
	size_t k;
	json_t *o;

	if (!null) {
		null = fopen("/dev/null", "w");
		src = (struct control_src){ .core = (struct core *)&fakes, .dp = &fakes_dp, .conf = fakes_conf(), .started = TICK_S(1) };
	}
	if (!quoted || !null)
		abort();
	fakes_fill();
	answer(&src, (const char *)data, n, null);
	/* the same as words, which chance would seldom put into JSON */
	k = (size_t)sprintf(quoted, "{\"line\":\"");
	for (size_t i = 0; i < n; i++)
		quoted[k++] = data[i] < 0x20 || data[i] > 0x7e || data[i] == '"' || data[i] == '\\' ? ' ' : (char)data[i];
	k += (size_t)sprintf(quoted + k, "\"}");
	answer(&src, quoted, k, null);
	o = json_loadb((const char *)data, n, 0, NULL);	/* an answer of somebody else */
	for (enum control_verb v = CONTROL_SHOW_DMVPN; o && v < CONTROL_VERBS; v++) {
		render(null, v, o);
		render_status(&(struct control_cmd){ .verb = v }, o);
	}
	json_decref(o);
	free(quoted);
	return 0;
}
