/* What a device does besides computing: copies, order, recording, failures. */
#include "cucheck.h"

enum { N = 1000, STEPS = 50 };

static const struct ps_nn_device *device()
{
    return cuda->device;
}

/* n floats of the host that copies want, all of one value. */
static float *here(float v)
{
    float *x = (float *)device()->memory->alloc_host(N * sizeof *x);
    for (int i = 0; i < N; i++) x[i] = v;
    return x;
}

static float *there(float v)
{
    float *from = here(v), *x = (float *)device()->memory->alloc(N * sizeof *x);
    device()->memory->put(x, from, N * sizeof *x);
    expect(device()->memory->wait() == PS_OK, "%s", device()->memory->error());
    device()->memory->free_host(from);
    return x;
}

static void put(float *to, const float *from)
{
    device()->memory->put(to, from, N * sizeof *to);
}

static void get(float *to, const float *from)
{
    device()->memory->get(to, from, N * sizeof *to);
}

static void all_are(const char *what, const float *x, float v)
{
    int wrong = 0;
    for (int i = 0; i < N; i++) wrong += x[i] != v;
    expect(wrong == 0, "%s: %d of %d are not %g; the first is %g", what, wrong, N, v, x[0]);
}

static void good(const char *what)
{
    expect(device()->memory->wait() == PS_OK, "%s: %s", what, device()->memory->error());
}

static void free_all(std::vector<void *> of_device, std::vector<void *> of_host)
{
    for (void *p : of_device) device()->memory->free(p);
    for (void *p : of_host) device()->memory->free_host(p);
    device()->memory->free(NULL);
    device()->memory->free_host(NULL);
}

static void memory()
{
    float *x = (float *)device()->memory->alloc(N * sizeof *x), *in = here(3), *out = here(0);
    expect((uintptr_t)x % 256 == 0, "memory at %p", (void *)x);
    put(x, in);
    get(out, x);
    good("a copy");
    all_are("what came back", out, 3);
    expect(!device()->memory->alloc((int64_t)1 << 60), "memory beyond what there is");
    good("memory that is not there");
    free_all({x}, {in, out});
}

/* The copy comes back on a queue of its own: only if that waits does it see the sum. */
static void queues()
{
    float *x = there(1), *y = there(2), *out = here(0);
    device()->use(PS_NN_COMPUTE);
    cuda->add(N, y, x);
    device()->after(PS_NN_EXCHANGE, PS_NN_COMPUTE);
    device()->use(PS_NN_EXCHANGE);
    get(out, x);
    device()->use(PS_NN_COMPUTE);
    device()->after(PS_NN_COMPUTE, PS_NN_EXCHANGE);
    cuda->add(N, y, x); /* after it was copied */
    good("queues");
    all_are("a sum that was waited for", out, 3);
    free_all({x, y}, {out});
}

/* Memory that a copy reads may be written when its mark has passed. */
static void marks()
{
    float *x = there(0), *in = here(4), *out = here(0);
    device()->await(PS_NN_MARKS - 1); /* never set */
    put(x, in);
    device()->mark(0);
    device()->await(0);
    for (int i = 0; i < N; i++) in[i] = 5;
    get(out, x);
    device()->mark(0);
    device()->await(0);
    all_are("what was there before the mark", out, 4);
    free_all({x}, {in, out});
}

/* x = in + in, through another queue. */
static void twice(float *x, float *y, const float *in, float *out)
{
    put(x, in);
    device()->after(PS_NN_COPY, PS_NN_COMPUTE);
    device()->use(PS_NN_COPY);
    cuda->copy(N * sizeof *x, x, y);
    device()->use(PS_NN_COMPUTE);
    device()->after(PS_NN_COMPUTE, PS_NN_COPY);
    cuda->add(N, y, x);
    get(out, x);
}

static void recording()
{
    float *x = there(0), *y = there(0), *in = here(6), *out = here(-1);
    device()->record_begin();
    twice(x, y, in, out);
    void *recorded = device()->record_end();
    good("recording");
    expect(recorded != NULL, "no recording");
    all_are("nothing is done while it is recorded", out, -1);
    for (int k = 7; k < 10 && recorded; k++) {
        for (int i = 0; i < N; i++) in[i] = (float)k;
        device()->replay(recorded);
        good("replay");
        all_are("a replay", out, (float)(2 * k));
    }
    device()->recorded_free(recorded);
    device()->recorded_free(NULL);
    twice(x, y, in, out);
    good("the same without a recording");
    all_are("the same without a recording", out, 18);
    free_all({x, y}, {in, out});
}

/* What cannot be recorded leaves no failure behind. */
static void no_recording()
{
    float *x = there(1), *y = there(2), *out = here(0);
    device()->record_begin();
    device()->after(PS_NN_COPY, PS_NN_COMPUTE);
    cuda->add(N, y, x);
    device()->after(PS_NN_COPY, PS_NN_COMPUTE);
    device()->use(PS_NN_COPY);
    cuda->clear(N * sizeof *x, y); /* and nobody comes after this */
    device()->use(PS_NN_COMPUTE);
    expect(!device()->record_end(), "a queue that nobody waited for was recorded");
    good("a queue that nobody waited for");
    device()->record_begin();
    expect(device()->memory->wait() != PS_OK, "nothing can be waited for in a recording");
    expect(!device()->record_end(), "a recording that waits");
    good("a recording that waits");
    cuda->add(N, y, x);
    get(out, x);
    good("after recordings that failed");
    all_are("after recordings that failed", out, 3);
    free_all({x, y}, {out});
}

/* Numbers of many steps are on their way at once. */
static void steps()
{
    struct ps_nn_step *out = (struct ps_nn_step *)device()->memory->alloc_host(STEPS * sizeof *out);
    for (int i = 0; i < STEPS; i++) {
        const struct ps_nn_step s = {i, 1.0 / (i + 1)};
        device()->set_step(&s);
        device()->memory->get(&out[i], ps_nn_step_cu(), sizeof *out);
    }
    good("steps");
    for (int i = 0; i < STEPS; i++)
        expect(out[i].step == i && out[i].rate == 1.0 / (i + 1), "step %d has number %lld and rate %g", i,
               (long long)out[i].step, out[i].rate);
    device()->memory->free_host(out);
}

/* In a recording, too, and there anew each time; what has not come yet is no failure. */
static void ticks()
{
    enum { BEGIN, FIRST, SECOND, END };
    float *x = there(0), *y = there(0), *in = here(1), *out = here(0);
    device()->tick(BEGIN);
    expect(device()->seconds(BEGIN, BEGIN) == 0, "seconds since a tick that has not come");
    good("a tick that has not come");
    device()->record_begin();
    device()->tick(FIRST);
    twice(x, y, in, out);
    device()->tick(SECOND);
    void *recorded = device()->record_end();
    expect(recorded != NULL, "ticks are not recorded");
    double before = 0;
    for (int k = 0; k < 3 && recorded; k++) {
        device()->replay(recorded);
        good("ticks of a replay");
        device()->tick(END);
        good("a tick after it");
        const double from = device()->seconds(BEGIN, FIRST), took = device()->seconds(FIRST, SECOND),
                     all = device()->seconds(BEGIN, END);
        expect(from > before && took > 0 && from + took < all * (1 + 1e-6),
               "replay %d: after %g s, of %g s, in %g s; the one before after %g s", k, from, took, all,
               before);
        before = from;
    }
    device()->recorded_free(recorded);
    free_all({x, y}, {in, out});
}

static void kept_failure()
{
    const struct ps_cuda *plugin = ps_cuda_plugin();
    char text[400];
    float *x = there(1), *out = here(2);
    device()->memory->put(x, out, (int64_t)1 << 40);
    get(out, x); /* not done */
    expect(device()->memory->wait() == PS_EBACKEND, "a copy beyond its array");
    expect(strstr(device()->memory->error(), "cudaMemcpyAsync") &&
               strstr(device()->memory->error(), "invalid argument"),
           "'%s'", device()->memory->error());
    all_are("what came after a failure", out, 2);
    free_all({x}, {out});
    plugin->close();
    expect(plugin->open(0, true, text, sizeof text) == PS_OK, "opened again: %s", text);
    good("opened again");
    expect(strcmp(device()->memory->error(), "") == 0, "'%s'", device()->memory->error());
}

static void devices()
{
    const struct ps_cuda *plugin = ps_cuda_plugin();
    char text[400] = "";
    plugin->close();
    expect(plugin->devices(text, sizeof text) >= 1, "no device: %s", text);
    expect(plugin->open(1000, true, text, sizeof text) == PS_EBACKEND, "there is a device 1000");
    expect(strstr(text, "GPU 1000: ") && strstr(text, "invalid device ordinal"), "'%s'", text);
    expect(plugin->open(0, true, text, sizeof text) == PS_OK, "'%s'", text);
    expect(strstr(text, "(sm_") && strstr(text, " multiprocessors, ") && strstr(text, " GiB), CUDA ") &&
               strstr(text, ", cuDNN "),
           "'%s'", text);
}

#ifdef PS_CUDA_ON_HOST
/* The stand-in puts work off, so that waits that are missing show: the tests above would pass without them,
 * else. */
static void put_off()
{
    float *x = there(1), *y = there(2), *in = here(3), *out = here(0);
    cuda->add(N, y, x);
    device()->use(PS_NN_COPY);
    get(out, x);
    device()->mark(0);
    device()->await(0);
    device()->use(PS_NN_COMPUTE);
    all_are("a sum that nobody waited for", out, 1);
    put(x, in);
    for (int i = 0; i < N; i++) in[i] = 4;
    get(out, x);
    good("copies");
    all_are("memory written before it was copied", out, 4);
    free_all({x, y}, {in, out});
}

/* Whatever is opened is closed. */
static void nothing_left()
{
    const struct ps_cuda *plugin = ps_cuda_plugin();
    size_t left, total;
    char text[400];
    plugin->close();
    cudaMemGetInfo(&left, &total);
    expect(left == total, "%zu bytes are not given back", total - left);
    setenv("PS_HOST_DEVICES", "0", 1);
    expect(plugin->devices(text, sizeof text) == 0 && strcmp(text, "no CUDA-capable device is detected") == 0,
           "'%s'", text);
    unsetenv("PS_HOST_DEVICES");
    expect(plugin->open(0, true, text, sizeof text) == PS_OK, "%s", text);
}
#endif

int main()
{
    std::vector<void (*)()> tests = {memory, queues, marks,        recording, no_recording,
                                     steps,  ticks,  kept_failure, devices};
#ifdef PS_CUDA_ON_HOST
    tests.insert(tests.end(), {put_off, nothing_left});
#endif
    return cu_main("the device", tests);
}
