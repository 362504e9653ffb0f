/* Inputs made of pictures, and mixtures: the same bits as on the host. */
#include "cucheck.h"
extern "C" {
#include "common/io/resize.h"
#include "kernels/device_picture.h"
}

/** A picture, what is cut out of it, and the size that becomes. */
struct wish {
    int height, width, bands;
    enum ps_dtype type;
    bool whole;
    struct ps_box box;
    bool flip_x, flip_y;
    int high, wide;
};

static double uniform(int64_t i, uint32_t slot)
{
    return ps_rng_uniform({11, 7}, i, slot);
}

static int below(int64_t i, uint32_t slot, int n)
{
    return (int)(n * uniform(i, slot));
}

/** Boxes of any size inside of the picture, and windows that reach beyond it or miss it. */
static struct wish wish_of(int64_t i, int high, int wide, int bands)
{
    static const enum ps_dtype types[] = {PS_U8, PS_U16, PS_I16, PS_F32};
    struct wish w = {1 + below(i, 0, 60), 1 + below(i, 1, 60), bands, types[i % 4], i % 3 == 0};
    w.high = high, w.wide = wide;
    w.flip_x = below(i, 2, 2), w.flip_y = below(i, 3, 2);
    if (w.whole) {
        w.box.top = below(i, 4, w.height + 2 * high) - high;
        w.box.left = below(i, 5, w.width + 2 * wide) - wide;
        return w;
    }
    w.box.height = 1 + (w.height - 1) * uniform(i, 4);
    w.box.width = 1 + (w.width - 1) * uniform(i, 5);
    w.box.top = (w.height - w.box.height) * uniform(i, 6);
    w.box.left = (w.width - w.box.width) * uniform(i, 7);
    w.box.open = below(i, 8, 2);
    return w;
}

/** Pixels of all types; floats of both signs. */
static std::vector<char> pixels_of(const struct wish &w, int64_t seed)
{
    const size_t n = (size_t)w.height * w.width * w.bands;
    std::vector<char> out(n * ps_dtype_size(w.type));
    for (size_t i = 0; i < n; i++) {
        const double u = ps_rng_uniform({13, (uint32_t)seed}, (int64_t)i, 0);
        if (w.type == PS_U8) ((uint8_t *)out.data())[i] = (uint8_t)(256 * u);
        if (w.type == PS_U16) ((uint16_t *)out.data())[i] = (uint16_t)(65536 * u);
        if (w.type == PS_I16) ((int16_t *)out.data())[i] = (int16_t)(65536 * u - 32768);
        if (w.type == PS_F32) ((float *)out.data())[i] = (float)(4 * u - 2);
    }
    return out;
}

/** A picture for the device; where it does not fit, what the host makes. @return its bytes */
static std::vector<int64_t> for_device(const struct wish &w, const struct ps_picture &p, struct ps_tone tone,
                                       const std::vector<float> &made, int64_t *left_here)
{
    std::vector<int64_t> room((size_t)ps_device_picture_most(w.high, w.wide, w.bands) / sizeof(int64_t));
    struct ps_device_picture *const out = (struct ps_device_picture *)room.data();
    const bool fits = w.whole
                          ? ps_cut_for_device(&p, (int)w.box.top, (int)w.box.left, w.high, w.wide, w.flip_x,
                                              w.flip_y, tone, out)
                          : ps_resize_for_device(&p, w.box, w.high, w.wide, w.flip_x, w.flip_y, tone, out);
    if (!fits)
        memcpy(ps_made_for_device(w.high, w.wide, w.bands, out), made.data(), made.size() * sizeof(float));
    *left_here += !fits;
    expect(out->bytes <= (int64_t)(room.size() * sizeof(int64_t)) && out->bytes % PS_DEVICE_PICTURE_LINE == 0,
           "%lld bytes of %zu", (long long)out->bytes, room.size() * sizeof(int64_t));
    room.resize((size_t)out->bytes / sizeof(int64_t));
    return room;
}

/** What the host makes of it. */
static std::vector<float> on_host(const struct wish &w, const struct ps_picture &p, struct ps_tone tone)
{
    std::vector<float> out((size_t)w.high * w.wide * w.bands);
    struct ps_resize_room room = {};
    if (w.whole)
        ps_cut(&p, (int)w.box.top, (int)w.box.left, w.high, w.wide, w.flip_x, w.flip_y, tone, out.data());
    else
        ps_resize(&p, w.box, w.high, w.wide, w.flip_x, w.flip_y, tone, &room, out.data());
    ps_resize_free(&room);
    return out;
}

/** A micro-batch of pictures. @return how many the host makes, as they do not fit */
static int64_t batch(int64_t n, int high, int wide, int bands, int64_t first)
{
    const numbers scale = random_numbers(bands, 1, -2, 2), shift = random_numbers(bands, 2, -2, 2);
    const std::vector<float> a(scale.begin(), scale.end()), b(shift.begin(), shift.end());
    const struct ps_tone tone = {a.data(), b.data()};
    const size_t size = (size_t)high * wide * bands;
    std::vector<int64_t> bytes, at;
    std::vector<float> want, got(size * (size_t)n);
    int64_t left_here = 0, off = 0;
    for (int64_t i = 0; i < n; i++) {
        const struct wish w = wish_of(first + i, high, wide, bands);
        std::vector<char> pixels = pixels_of(w, i);
        struct ps_picture p = {};
        p.height = w.height, p.width = w.width, p.bands = bands, p.type = w.type, p.data = pixels.data();
        const std::vector<float> made = on_host(w, p, tone);
        const std::vector<int64_t> one = for_device(w, p, tone, made, &left_here);
        want.insert(want.end(), made.begin(), made.end());
        at.push_back((int64_t)(bytes.size() * sizeof(int64_t)));
        bytes.insert(bytes.end(), one.begin(), one.end());
    }
    run r(cuda);
    const struct ps_nn_pictures s = {n,
                                     high,
                                     wide,
                                     bands,
                                     r.bytes(bytes.size(), sizeof(int64_t), bytes.data()),
                                     (const int64_t *)r.bytes(at.size(), sizeof(int64_t), at.data())};
    float *const x = (float *)r.poisoned((int64_t)got.size());
    cuda->device->pictures(&s, x);
    r.get(got.data(), x, got.size() * sizeof(float));
    for (size_t i = 0; i < got.size(); i++) off += memcmp(&got[i], &want[i], sizeof(float)) != 0;
    expect(off == 0, "%d x %d x %d: %lld of %zu numbers are not those of the host", high, wide, bands,
           (long long)off, got.size());
    return left_here;
}

static void pictures()
{
    int64_t left_here = 0, all = 0;
    static const struct {
        int high, wide, bands;
    } sizes[] = {{1, 1, 1}, {7, 5, 3}, {32, 32, 3}, {24, 40, 1}, {17, 9, 12}, {3, 65, 7}, {64, 64, 3}};
    for (const auto &s : sizes) {
        left_here += batch(24, s.high, s.wide, s.bands, all);
        all += 24;
    }
    expect(left_here > 0 && left_here < all / 2, "%lld of %lld pictures are made by the host",
           (long long)left_here, (long long)all);
}

/* Rows that no block holds at once, of many bands: several pieces; of more still: the host makes them. */
static void many_bands()
{
    const int64_t several = batch(6, 40, 40, 300, 0), none = batch(3, 2, 3, 6145, 1);
    expect(several < 6, "300 bands: no picture is made by the device");
    expect(none >= 1, "6145 bands: a device makes a resized one");
}

static void mixtures()
{
    for (const int64_t n : {1, 2, 7, 64})
        for (const int64_t input : {1, 27, 1023}) {
            const numbers x = random_numbers(n * input, 3, -2, 2), share = random_numbers(n / 2 + 1, 4, 0, 1);
            numbers want = x;
            for (int64_t i = 0; i < n / 2; i++)
                for (int64_t k = 0; k < input; k++) {
                    const float own = (float)x[(size_t)(i * input + k)], kept = (float)share[(size_t)i];
                    const float other = (float)x[(size_t)((n - 1 - i) * input + k)];
                    const float parts[] = {kept * own, (1 - kept) * other, kept * other, (1 - kept) * own};
                    want[(size_t)(i * input + k)] = parts[0] + parts[1];
                    want[(size_t)((n - 1 - i) * input + k)] = parts[2] + parts[3];
                }
            run r(cuda);
            float *const there = (float *)r.give(x);
            cuda->device->mix(n, input, (const float *)r.give(share), there);
            close_to("mix", "the formula", {"x", r.take(there), 0}, want);
        }
}

int main()
{
    return cu_main("test_cu_augment", {pictures, many_bands, mixtures});
}
