/** Parameters of image data. */
#ifndef IMAGE_PARAMS_H
#define IMAGE_PARAMS_H

#include "common/nn/train_params.h"

/** What a user says about the images. */
struct image_choice {
    ps_str data;        /**< packed file, folder of class folders, tar shards, or CSV */
    ps_str valid, test; /**< the same, of their own; "" = parts of `data` */
    double validation;  /**< share of the training images, where there is no part for validation */
    int64_t train_limit, test_limit; /**< 0: all images */
    int64_t synthetic;               /**< images of noise, in place of data; 0: none */
    int64_t classes;                 /**< of synthetic images */
    int height, width;               /**< of the input of the net; 0: those of packed pixels, or else 224 */
    int resize;     /**< shorter side before the centre is cut out of test images; 0: side x 256 / 224 */
    ps_str augment; /**< none | flip | shift | crop */
    bool vertical;  /**< flips the other way too */
    double least, squeeze; /**< of random crops: least share of the area, largest ratio of sides */
    int pad;               /**< of random shifts, pixels */
    struct ps_list mean,
        std;            /**< of bands, in the unit of the pixels; none: the packed file's, or ImageNet's */
    double memory;      /**< GiB of a node for the images; what is beyond is read as it is needed */
    ps_str broken;      /**< fatal | skip */
    int loader_threads; /**< of a rank */
    int prefetch;       /**< batches that they are ahead */
};

/** All rows for member m of struct type. */
#define IMAGE_ROWS(type, m)                                                                                  \
    PS_TRAIN_ROW(type, m, data, .letter = 'i', .positional = 1, .def = "",                                   \
                 .help = "images: a file that psml-data pack wrote, a folder of class folders (with train, " \
                         "val and test above them, where it has parts), tar files (a*.tar,b.tar), a CSV of " \
                         "paths and labels, or HDF5 with a group for each part that holds images and "       \
                         "targets"),                                                                         \
        PS_TRAIN_ROW(type, m, valid, .def = "",                                                              \
                     .help = "images for validation, in place of a part of data"),                           \
        PS_TRAIN_ROW(type, m, test, .def = "", .help = "images for the test, in place of a part of data"),   \
        PS_TRAIN_ROW(type, m, validation, .def = "0", .range = "[0,1)",                                      \
                     .help = "share of the training images that is held back for validation, where data "    \
                             "has no such part; 0: the test images are used"),                               \
        PS_TRAIN_ROW(type, m, train_limit, .def = "0", .range = "[0,inf)", .unit = "images",                 \
                     .help = "that are trained with, drawn by the seed; 0: all"),                            \
        PS_TRAIN_ROW(type, m, test_limit, .def = "0", .range = "[0,inf)", .unit = "images",                  \
                     .help = "that are tested with, drawn by the seed; 0: all"),                             \
        PS_TRAIN_ROW(type, m, synthetic, .def = "0", .range = "[0,inf)", .unit = "images",                   \
                     .help = "of noise in memory, in place of data, to measure computing alone; 0: none"),   \
        PS_TRAIN_ROW(type, m, classes, .def = "1000", .range = "[2,1000000]",                                \
                     .help = "of synthetic images"),                                                         \
        PS_TRAIN_ROW(type, m, height, .def = "0", .range = "[0,65536]", .unit = "pixels",                    \
                     .help = "of the input; 0: that of packed pixels, else 224"),                            \
        PS_TRAIN_ROW(type, m, width, .def = "0", .range = "[0,65536]", .unit = "pixels",                     \
                     .help = "of the input; 0: that of packed pixels, else the height"),                     \
        PS_TRAIN_ROW(type, m, resize, .def = "0", .range = "[0,65536]", .unit = "pixels",                    \
                     .help =                                                                                 \
                         "shorter side of test images before their centre is cut out; 0: 256/224 of the "    \
                         "input, and packed pixels as they are"),                                            \
        PS_TRAIN_ROW(type, m, augment, .def = "crop", .choices = "none|flip|shift|crop",                     \
                     .help = "what is random about training images: nothing, flips, flips and shifts by "    \
                             "some pixels, or flips and crops of random place and size"),                    \
        PS_TRAIN_ROW(type, m, vertical, .flag = true, .def = "no",                                           \
                     .help = "flips upside down too, as images from above allow"),                           \
        PS_TRAIN_ROW(type, m, least, .def = "0.08", .range = "(0,1]",                                        \
                     .help = "share of the image's area that a crop has at least"),                          \
        PS_TRAIN_ROW(type, m, squeeze, .def = "1.3333333333333333", .range = "[1,100]",                      \
                     .help = "largest ratio of a crop's sides"),                                             \
        PS_TRAIN_ROW(type, m, pad, .def = "4", .range = "[0,4096]", .unit = "pixels",                        \
                     .help = "that an image is shifted by at most"),                                         \
        PS_TRAIN_ROW(type, m, mean, .def = "",                                                               \
                     .help =                                                                                 \
                         "of each band, in the unit of pixels; none: the packed file's, else ImageNet's"),   \
        PS_TRAIN_ROW(type, m, std, .def = "",                                                                \
                     .help = "deviation of each band; none: the packed file's, else ImageNet's"),            \
        PS_TRAIN_ROW(type, m, memory, .def = "0", .range = "[0,inf)", .unit = "GiB",                         \
                     .help = "of a node that images are held in; the others are read from the file when "    \
                             "they are needed; 0: half of what is free"),                                    \
        PS_TRAIN_ROW(type, m, broken, .def = "fatal", .choices = "fatal|skip",                               \
                     .help = "images that cannot be decoded end the run, or another takes their place"),     \
        PS_TRAIN_ROW(type, m, loader_threads, .def = "1", .range = "[0,1024]", .unit = "threads",            \
                     .help = "of a rank that prepare images ahead; 0: the computing threads do it"),         \
        PS_TRAIN_ROW(type, m, prefetch, .def = "2", .range = "[1,1024]", .unit = "batches",                  \
                     .help = "that are prepared ahead")

#endif
