/* ranks: 1 */
#include "iocheck.h"
#include <math.h>
#include "apps/lstm/series_table.h"
#include "apps/lstm/series_units.h"

/** Seconds since 1970 of `number` of units. */
static int64_t second(const char *units, const char *calendar, double number)
{
    struct series_units u;
    int64_t tick;
    ck_assert_msg(series_units_parse("f", units, calendar, &u) == PS_OK, "%s", ps_err_message());
    ck_assert_msg(series_units_ticks("f", &u, &number, 1, &tick) == PS_OK, "%s", ps_err_message());
    return tick;
}

START_TEST(units)
{
    /* seconds as `date -u -d TEXT +%s` has them */
    ck_assert(second("hours since 1900-01-01 00:00:00", "", 1) == -2208988800 + 3600);
    ck_assert(second("hours since 1900-01-01 00:00:00.0", "gregorian", 24) == -2208902400);
    ck_assert(second("days since 2000-1-1", "standard", 59.25) == 951782400 + 6 * 3600); /* a leap year */
    ck_assert(second("seconds since 1970-01-01T00:00:00Z", "proleptic_gregorian", 86399) == 86399);
    ck_assert(second("minutes since 1970-01-01 01:30 UTC", "", -90) == 0);
    ck_assert(second("Hours since 1970-01-01 0:00:00 -06:00", "Standard", 5) == 5 * 3600);
    ck_assert(second("d since 1970-01-02 +1", "", 0) == 86400);
    /* a third of a day as a double: 8 hours but for 2^-53 */
    ck_assert(second("days since 1970-01-01", "", 16801 + 1.0 / 3) == 16801 * 86400LL + 8 * 3600);
    /* Julian days (Meeus, "Astronomical Algorithms", chapter 7): 1 January of the year 1 begins day
     * 1721423.5, and 15 October 1582, the first of the Gregorian calendar, 2299160.5 */
    const int64_t reform = -12219292800, days = 2299160 - 1721423;
    ck_assert(second("days since 0001-01-01", "", (double)days) == reform);
    ck_assert(second("hours since 1-1-1 00:00:0.0", "gregorian", (double)days * 24) == reform);
    ck_assert(second("days since 0001-01-01", "proleptic_gregorian", (double)days) ==
              reform + 2 * SERIES_DAY);
}
END_TEST

START_TEST(refused_units)
{
    static const struct {
        const char *units, *calendar, *message;
    } bad[] = {{"months since 2000-01-01", "", "f: 'months since 2000-01-01': times are read in seconds"},
               {" since 2000-01-01", "", "times are read in seconds"},
               {"days since 2000-02-30", "", "'days since 2000-02-30' is not understood"},
               {"days since yesterday", "", "is not understood"},
               {"days since 2000-01-01 00:00:00.5", "", "is not understood"},
               {"days since 2000-01-01 Europe/Berlin", "", "is not understood"},
               {"days since 2000-01-01", "noleap", "f: times of the calendar noleap are not read"},
               {"days since 2000-01-01", "360_day", "times of the calendar 360_day are not read"}};
    const double number[] = {3.7, NAN, 1e9};
    struct series_units u;
    int64_t tick[3];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert(series_units_parse("f", bad[i].units, bad[i].calendar, &u) == PS_EINPUT);
        ck_assert_msg(strstr(ps_err_message(), bad[i].message), "%s", ps_err_message());
        ps_err_clear();
    }
    ck_assert(series_units_dated("hours since 1900-01-01") && !series_units_dated("hours"));
    ck_assert(series_units_parse("f", "s since 1970-01-01", "", &u) == PS_OK);
    ck_assert(series_units_ticks("f", &u, number, 3, tick) == PS_EINPUT);
    ck_assert_msg(strstr(ps_err_message(), "f: row 0 is 3.7"), "%s", ps_err_message());
    ps_err_clear();
    ck_assert(series_units_ticks("f", &u, number + 1, 1, tick) == PS_EINPUT);
    ck_assert_msg(strstr(ps_err_message(), "no time within the years"), "%s", ps_err_message());
    ps_err_clear();
    ck_assert(series_units_parse("f", "days since 1970-01-01", "", &u) == PS_OK);
    ck_assert(series_units_ticks("f", &u, number + 2, 1, tick) == PS_EINPUT);
    ps_err_clear();
}
END_TEST

static enum ps_status table(const char *path, const char *time, const char *target, bool refuse,
                            struct series_table *out)
{
    const struct series_wish wish = {
        .path = path, .dataset = "", .time = time, .columns = "", .target = target, .refuse = refuse};
    return series_table_read(&wish, out);
}

enum { ROWS = 5 };
static const int hour[ROWS] = {10, 11, 12, 14, 15};
static const short packed[ROWS] = {100, -50, -999, 0, 7}; /* value = 0.5 x + 20; -999: none */

/** Times of `hours since 2001-01-01` in a column that nobody named, gaps and values that are packed. */
static void expect_packed(const char *path, const char *target)
{
    struct series_table t;
    ck_assert_msg(table(path, "auto", target, false, &t) == PS_OK, "%s", ps_err_message());
    ck_assert(t.rows == ROWS && t.cols == 1 && t.clock.date);
    ck_assert_str_eq(t.name[0], "heat");
    for (int i = 0; i < ROWS; i++) {
        ck_assert(t.time[i] == 978307200 + 3600 * hour[i]); /* 2001-01-01 */
        ck_assert(i == 2 ? isnan(t.value[i]) : t.value[i] == 0.5 * packed[i] + 20);
    }
    series_table_free(&t);
    ck_assert(table(path, "none", target, false, &t) == PS_OK && !t.clock.date && t.time[4] == 4);
    series_table_free(&t);
    ck_assert(table(path, "auto", target, true, &t) == PS_EINPUT);
    ck_assert_msg(strstr(ps_err_message(), "row 2 of column heat has no value"), "%s", ps_err_message());
    ps_err_clear();
    ck_assert(table(path, "clock", target, false, &t) == PS_EINPUT);
    ck_assert_msg(strstr(ps_err_message(), "'clock'; it holds: "), "%s", ps_err_message());
    ps_err_clear();
}

#ifdef PS_HAVE_PNETCDF
#    include <pnetcdf.h>

START_TEST(netcdf)
{
    static const char units[] = "hours since 2001-01-01 00:00:00";
    const char *path = io_path("s.nc");
    const double half = 0.5, twenty = 20;
    const short none = -999;
    int nc, dim, time, heat;
    ncmpi_create(MPI_COMM_SELF, path, NC_CLOBBER, MPI_INFO_NULL, &nc);
    ncmpi_def_dim(nc, "time", ROWS, &dim);
    ncmpi_def_var(nc, "time", NC_INT, 1, &dim, &time);
    ncmpi_def_var(nc, "heat", NC_SHORT, 1, &dim, &heat);
    ncmpi_put_att_text(nc, time, "units", sizeof units - 1, units);
    ncmpi_put_att_text(nc, time, "calendar", 8, "standard");
    ncmpi_put_att_double(nc, heat, "scale_factor", NC_DOUBLE, 1, &half);
    ncmpi_put_att_double(nc, heat, "add_offset", NC_DOUBLE, 1, &twenty);
    ncmpi_put_att_short(nc, heat, "_FillValue", NC_SHORT, 1, &none);
    ncmpi_enddef(nc);
    ncmpi_put_var_int_all(nc, time, hour);
    ncmpi_put_var_short_all(nc, heat, packed);
    ncmpi_close(nc);
    expect_packed(path, "heat");
    expect_packed(path, ""); /* the only one, as that of times is called like its dimension */
}
END_TEST
#else
START_TEST(netcdf) {}
END_TEST
#endif

#ifdef PS_HAVE_HDF5
#    include <hdf5.h>

static hid_t add(hid_t file, const char *name, hid_t type, const void *data)
{
    const hsize_t rows = ROWS;
    hid_t space = H5Screate_simple(1, &rows, NULL);
    hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
    H5Sclose(space);
    return set;
}

/** As netCDF-4 has them: numbers are lists of one. */
static void note(hid_t set, const char *name, hid_t type, bool list, const void *value)
{
    const hsize_t one = 1;
    hid_t space = list ? H5Screate_simple(1, &one, NULL) : H5Screate(H5S_SCALAR);
    hid_t a = H5Acreate2(set, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(a, type, value);
    H5Aclose(a);
    H5Sclose(space);
}

START_TEST(hdf5)
{
    static const char fixed[] = "hours since 2001-01-01", *const any[] = {"gregorian"};
    const char *path = io_path("s.h5");
    const double half = 0.5;
    const float twenty = 20;
    const short none = -999;
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t time = add(file, "time", H5T_NATIVE_INT, hour), heat = add(file, "heat", H5T_NATIVE_SHORT, packed);
    hid_t text = H5Tcopy(H5T_C_S1), free_text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, sizeof fixed - 1);
    H5Tset_strpad(text, H5T_STR_NULLPAD); /* no zero at the end */
    H5Tset_size(free_text, H5T_VARIABLE);
    note(time, "units", text, false, fixed);
    note(time, "calendar", free_text, false, any);
    note(heat, "scale_factor", H5T_NATIVE_DOUBLE, true, &half);
    note(heat, "add_offset", H5T_NATIVE_FLOAT, false, &twenty);
    note(heat, "missing_value", H5T_NATIVE_SHORT, true, &none);
    H5Tclose(text), H5Tclose(free_text);
    H5Dclose(time), H5Dclose(heat);
    H5Fclose(file);
    expect_packed(path, "heat");
}
END_TEST
#else
START_TEST(hdf5) {}
END_TEST
#endif

int main(int argc, char **argv)
{
    const TTest *const tests[] = {units, refused_units, netcdf, hdf5, NULL};
    return mck_main(argc, argv, "series_arrays", tests);
}
