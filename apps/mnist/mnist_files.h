/** Which files hold the images and labels. */
#ifndef MNIST_FILES_H
#define MNIST_FILES_H

#include "common/run/run.h"

/** What a user says about the data. */
struct mnist_choice {
    ps_str data;                                                 /**< folder, or file of named arrays */
    ps_str train_images, train_labels, test_images, test_labels; /**< each in place of what `data` gives */
    int64_t train_limit, test_limit;                             /**< 0: all samples */
    int64_t height;    /**< of images; 0: what the file says, or else they are square */
    int64_t classes;   /**< 0: those of the training set */
    double validation; /**< share of the training samples */
};

struct mnist_file {
    ps_str path;
    char dataset[16]; /**< "" where the file holds one array */
};

struct mnist_pair {
    struct mnist_file images, labels;
};

struct mnist_files {
    struct mnist_pair train, test;
};

/** Find the four files. Collective over run->comm; rank 0 looks.
 * @return (agreed) PS_OK; PS_EUSAGE (neither `data` nor a file of its own; `data` is a file of one array);
 * PS_EIO (it is not there); what ps_shard_format returns */
enum ps_status mnist_files_find(const struct ps_run *run, const struct mnist_choice *choice,
                                struct mnist_files *out);

#endif
