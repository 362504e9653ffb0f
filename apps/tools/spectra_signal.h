/** What a sensor sees of each pixel of a synthetic scene: reflectance in steps of 1/10000. */
#ifndef SPECTRA_SIGNAL_H
#define SPECTRA_SIGNAL_H

#include "apps/tools/spectra_scene.h"

enum { SIGNAL_STEPS = 10000 }; /**< of a reflectance of 1 */

/** Spectra of classes, and the smooth shapes in which fields and pixels depart from them. */
struct signal {
    int bands, classes;
    double noise;  /**< standard deviation of a pixel's departures; reflectance */
    double *crop;  /**< [classes][bands]; owned */
    double *soil;  /**< [bands]; owned */
    double *shape; /**< [SIGNAL_SHAPES][bands]; owned */
};
enum { SIGNAL_SHAPES = 6 };

/** Make the spectra. Every third class begins a family of similar ones. Local.
 * @return PS_OK; PS_ENOMEM */
enum ps_status signal_make(const struct scene_spec *spec, int bands, double noise, struct signal *out);
void signal_free(struct signal *s);

/** A pixel: the mixture of its class, soil and a second class that its field and itself have, departed from
 * by smooth shapes, under its light, with noise. A function of specification and pixel alone. Local;
 * thread-safe.
 * @param at   own pixel (line - scene->line.lo) * width + sample
 * @param work [bands] work space
 * @param out  [bands] steps of 1/SIGNAL_STEPS, within [0, 65535] */
void signal_pixel(const struct signal *s, const struct scene *scene, int64_t at, double *work, uint16_t *out);

#endif
