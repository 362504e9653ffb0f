/** Training, validation and test part of a data set without broken samples, how values are scaled, and
 * samples for a net. */
#ifndef SPECTRA_PARTS_H
#define SPECTRA_PARTS_H

#include "apps/autoencoder/spectra.h"
#include "common/nn/source.h"

enum spectra_scaling { SPECTRA_PLAIN, SPECTRA_MINMAX, SPECTRA_MINMAX_BANDS, SPECTRA_STANDARD };

/** What nets see of a value v of band k is (v - shift[k]) factor[k]. All zero: nothing was found. */
struct spectra_scale {
    float *shift, *factor; /**< [bands]; owned */
    double range;          /**< largest less smallest value of all bands */
};

/** Places [lo, hi) of a permutation of the intact samples that the seed makes. */
struct spectra_part {
    const struct spectra *all;         /**< borrowed */
    const struct spectra_scale *scale; /**< borrowed; NULL: there is none yet */
    uint64_t seed;
    int64_t lo, hi;
    double noise; /**< standard deviation of what is added to scaled values in training */
    double mask;  /**< share of them that is set to zero in training */
};

/** Leave samples out of all parts that have a value farther than `most` standard deviations, of its band over
 * all samples, from its band's mean. Collective over run->comm.
 * @param s its `broken` is set @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status spectra_leave_out(struct ps_run *run, struct spectra *s, double most);

/** The three parts. Each has samples, but for a validation part that nobody asks for. Local.
 * @param test, validation shares of all samples
 * @return PS_OK; PS_EUSAGE (a part would be empty) */
enum ps_status spectra_split(const struct spectra *s, uint64_t seed, double test, double validation,
                             struct spectra_part *train, struct spectra_part *valid,
                             struct spectra_part *tested);

/** Keep the permutation, once a node: each number takes longer to find than a sample to read. Collective over
 * run->comm. @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status spectra_keep_order(struct ps_run *run, struct spectra *s, uint64_t seed);

/** Number in the file of sample i of a part. Local. */
int64_t spectra_sample(const struct spectra_part *p, int64_t i);

/** Find the scaling from one part alone. Collective over run->comm.
 * @return (agreed) PS_OK; PS_ENOMEM; PS_EMPI */
enum ps_status spectra_scale_find(struct ps_run *run, const struct spectra_part *from,
                                  enum spectra_scaling kind, struct spectra_scale *out);
void spectra_scale_free(struct spectra_scale *s); /**< Local. */

/** A sample as nets see it, by its number in the file, and back. Local. @param x, y [bands] */
void spectra_scaled(const struct spectra *s, const struct spectra_scale *scale, int64_t sample, float *x);
void spectra_unscale(const struct spectra_scale *scale, int64_t bands, float *y);

/** A part as training and evaluation want it; its `data` is the part. Local. */
struct ps_source spectra_source(const struct spectra_part *p, const char *name);

#endif
