/* HDF5: writing. Rank 0 lays out the file with the serial library, space for the data included; then each
 * rank writes its rows at the known offset. That needs no MPI-IO and no collective library calls. */
#include "common/io/h5write.h"

#ifdef PS_HAVE_HDF5
#    include <errno.h>
#    include <stdio.h>
#    include <string.h>
#    include <unistd.h>
#    include "common/io/format.h"
#    include "common/io/h5meta.h"
#    include "common/io/outfile.h"
#    include "common/run/err.h"

enum { METADATA = 16384 }; /* more than HDF5 adds for a data set */

/** Remove a data set of the same name; refuse to remove anything else. */
static enum ps_status make_room(hid_t file, const char *path, const char *dataset)
{
    char part[256];
    for (const char *s = dataset + 1; (s = strchr(s, '/'));
         s++) { /* H5Lexists wants every folder on the way to exist */
        snprintf(part, sizeof part, "%.*s", (int)(s - dataset), dataset);
        if (H5Lexists(file, part, H5P_DEFAULT) <= 0) return PS_OK;
    }
    if (H5Lexists(file, dataset, H5P_DEFAULT) <= 0) return PS_OK;
    hid_t object = H5Oopen(file, dataset, H5P_DEFAULT);
    bool group = object >= 0 && H5Iget_type(object) != H5I_DATASET;
    if (object >= 0) H5Oclose(object);
    PS_CHECK(!group, PS_EIO, "%s: '%s' is a group there, not a data set", path, dataset);
    if (H5Ldelete(file, dataset, H5P_DEFAULT) < 0)
        return ps_h5_fail(PS_EIO, path, "the old data set cannot be removed");
    return PS_OK;
}

/** Create the data set with its space allocated and nothing written into it; learn where the data goes. */
static enum ps_status lay_out(hid_t file, const char *path, const char *dataset, const struct ps_shard *s,
                              int64_t *offset)
{
    hsize_t dims[2] = {(hsize_t)s->rows, (hsize_t)s->cols};
    PS_TRY(make_room(file, path, dataset));
    hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE), lcpl = H5Pcreate(H5P_LINK_CREATE);
    hid_t space = H5Screate_simple(s->cols ? 2 : 1, dims, NULL);
    H5Pset_layout(dcpl, H5D_CONTIGUOUS);
    H5Pset_obj_track_times(dcpl, 0); /* the same data gives the same bytes */
    H5Pset_alloc_time(dcpl, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(dcpl, H5D_FILL_TIME_NEVER);
    H5Pset_create_intermediate_group(lcpl, 1);
    hid_t set = H5Dcreate2(file, dataset, ps_h5_native(s->type), space, lcpl, dcpl, H5P_DEFAULT);
    enum ps_status rc = PS_OK;
    if (set < 0) {
        rc = ps_h5_fail(PS_EIO, path, "the data set cannot be created");
    } else {
        haddr_t at = H5Dget_offset(set);
        *offset = at == HADDR_UNDEF ? -1 : (int64_t)at;
        H5Dclose(set);
    }
    H5Sclose(space);
    H5Pclose(lcpl);
    H5Pclose(dcpl);
    return rc;
}

/** Rank 0: everything but the data. */
static enum ps_status prepare(const struct ps_outfile *f, const char *path, const char *dataset,
                              const struct ps_shard *s, int64_t *offset)
{
    int64_t bytes = lseek(f->fd, 0, SEEK_END);
    PS_TRY(ps_outfile_reserve(f, s->rows * ps_row_bytes(s->cols, s->type) + METADATA));
    ps_h5_quiet();
    hid_t fapl = ps_h5_access();
    hid_t file = bytes > 0 ? H5Fopen(f->temp, H5F_ACC_RDWR, fapl)
                           : H5Fcreate(f->temp, H5F_ACC_TRUNC, H5P_DEFAULT, fapl);
    H5Pclose(fapl);
    if (file < 0)
        return ps_h5_fail(PS_EIO, path,
                          bytes > 0 ? "exists and cannot be opened as HDF5 (move it away to write anew)"
                                    : "cannot be created");
    enum ps_status rc = lay_out(file, path, dataset, s, offset);
    if (H5Fclose(file) < 0 && rc == PS_OK) rc = ps_h5_fail(PS_EIO, path, "writing failed");
    return rc;
}

enum ps_status ps_h5_write(MPI_Comm comm, const char *path, const char *dataset, const struct ps_shard *s)
{
    struct ps_outfile f;
    int64_t offset = -1, row = ps_row_bytes(s->cols, s->type);
    if (!dataset[0]) dataset = "DATA";
    PS_CHECK(strlen(dataset) < 256, PS_EIO, "%s: the data set's name is too long", path);
    PS_TRY(ps_outfile_open(comm, path, true, &f));
    enum ps_status rc = f.rank == 0 ? prepare(&f, path, dataset, s, &offset) : PS_OK;
    rc = ps_agree(comm, rc);
    MPI_Bcast(&offset, 1, MPI_INT64_T, 0, comm);
    if (rc == PS_OK && s->rows)
        rc = ps_outfile_write(&f, s->data, (s->mine.hi - s->mine.lo) * row, offset + s->mine.lo * row);
    return ps_outfile_close(&f, rc);
}
#endif
