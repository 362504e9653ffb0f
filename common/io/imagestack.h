/** Images whose bands are files of their own, as satellite data are kept. */
#ifndef PS_IMAGESTACK_H
#define PS_IMAGESTACK_H

#include "common/io/imagelist.h"

/** Join the files of a list that are bands of one image. Collective over comm.
 *
 * A band's file is called by the band, behind a character that is neither letter nor digit, and the ending of
 * pictures: patch_17_B02.tif, or patch_17/B02.tif. What stands before it (patch_17) names the image. Files of
 * other bands are left out.
 * @param names  names of bands in the order in which they are wanted: "B02,B03,B8A"
 * @param list   in: the files; out: the images, sorted as before; bytes are those of all bands of an image,
 * and `at` is the number of its first file in `files`
 * @param files  out: band b of an image is entry at + b; its name is empty where there is no such file; to be
 * freed
 * @param bands  out: how many
 * @return (agreed) PS_OK; PS_EUSAGE (no names, too many, one of them twice); PS_EINPUT (no file is such a
 * band; two files are the same one); PS_ENOMEM; PS_EMPI. After a failure both lists are to be freed all the
 * same. */
enum ps_status ps_stack_join(MPI_Comm comm, const char *names, struct ps_images *list,
                             struct ps_images *files, int *bands);

/** Name of band b in such a list of names. Local. @param out [room] */
void ps_stack_band(const char *names, int b, char *out, int room);

#endif
