/** Where lists of images come from, and how they are put together. Shared by the imagelist*.c files. */
#ifndef PS_IMAGELIST_SOURCES_H
#define PS_IMAGELIST_SOURCES_H

#include "common/io/imagelist.h"

/** An image that was found. */
struct ps_found {
    int64_t at, bytes;
    int64_t name;  /**< place in the text */
    int64_t label; /**< place in the text of its first class; others follow it */
    int32_t file, labels;
    int8_t part; /**< enum ps_images_part; -1: none is named */
};

/** What was found so far; all zero: nothing. */
struct ps_finds {
    struct ps_found *image; /**< [n]; owned */
    int64_t n, room;
    char *text; /**< owned */
    int64_t text_n, text_room;
    int64_t *file; /**< [files] places in the text; owned */
    int64_t files, file_room;
    int64_t strip;          /**< bytes of folders that all names have in front */
    bool several, numbered; /**< numbered: classes are sorted as numbers where all of them are */
};

/** Keep an image, a text, the name of a file. Local. @return PS_OK; PS_ENOMEM */
enum ps_status ps_finds_add(struct ps_finds *f, struct ps_found image);
enum ps_status ps_finds_text(struct ps_finds *f, const char *text, int64_t n, int64_t *place);
enum ps_status ps_finds_file(struct ps_finds *f, const char *path);
void ps_finds_free(struct ps_finds *f);

/** Keep all pictures in a folder and in those that are in it, without labels. Local. Names that begin with a
 * dot are no pictures. @return PS_OK; PS_EIO; PS_EINPUT; PS_ENOMEM */
enum ps_status ps_finds_folder(struct ps_finds *f, const char *folder);

/** Which part a folder or a word stands for; -1: none. */
int ps_finds_part(const char *word, int64_t n);

/** Take part and class from folders in the names: [common folders/][part/]class/.../name. Local.
 * @param skip bytes of each name that belong to no such folder, with the slash
 * @return PS_OK; PS_EINPUT (an image is in no folder); PS_ENOMEM */
enum ps_status ps_finds_from_names(struct ps_finds *f, const char *source, int64_t skip);

/** Sort, and lay out as a list. Local.
 * @param block out: the arrays of `out`; to be freed
 * @return PS_OK; PS_EINPUT (no images, some with and some without a part); PS_ENOMEM */
enum ps_status ps_finds_end(struct ps_finds *f, const char *source, struct ps_images *out, void **block);

/* Local; as ps_images_open */
enum ps_status ps_images_folder(const char *source, struct ps_images *out, void **block);
enum ps_status ps_images_tars(const char *source, struct ps_images *out, void **block);
enum ps_status ps_images_csv(const char *source, struct ps_images *out, void **block);
enum ps_status ps_images_h5(const char *source, struct ps_images *out, void **block);

/** Collective; as ps_images_open. */
enum ps_status ps_images_pack(MPI_Comm comm, const char *source, struct ps_images *out);

#endif
