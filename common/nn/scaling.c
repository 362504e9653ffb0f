#include "common/nn/scaling.h"
#include <string.h>
#include "common/nn/gradients.h"
#include "common/run/log.h"
#include "common/run/record.h"

enum { FIRST = 2, LAST = 1024, SIZES = 10 };

/** Seconds of a step: without exchange, and those of the exchange that the threads waited for. */
struct step {
    double alone, exchange;
};

static struct step step_of(const struct ps_train_times *times)
{
    struct step s = {0, 0};
    for (int i = 0; i < PS_SPANS; i++) {
        const double here = times->span[i] / (double)times->steps;
        if (i == PS_SPAN_SUM || i == PS_SPAN_WAIT)
            s.exchange += here;
        else
            s.alone += here;
    }
    return s;
}

/* Of that many ranks. */
static double efficiency(const struct ps_train_params *p, const struct ps_train_times *times, double alone,
                         const struct ps_network *network, int64_t ranks)
{
    const int64_t element = strcmp(p->compress, "bf16") == 0 ? 2 : 4;
    const double more = ps_overlap_exposed(&times->overlap, network, ranks, PS_GRADIENT_BUCKET, element);
    return alone / (alone + more);
}

static void tell(struct ps_run *run, const struct ps_train_params *p, const struct ps_train_times *times,
                 const struct ps_network *network)
{
    const struct step s = step_of(times);
    double ranks[SIZES], predicted[SIZES];
    int n = 0;
    for (int64_t k = FIRST; k <= LAST; k *= 2, n++) {
        ranks[n] = (double)k;
        predicted[n] = efficiency(p, times, s.alone, network, k);
    }
    ps_print(run, "network: %.2f us, %.2f GB/s %s\n", network->latency * 1e6, network->bandwidth / 1e9,
             p->network[0] ? "as given" : "as measured between the ranks");
    ps_print(run, "ranks               ");
    for (int i = 0; i < n; i++) ps_print(run, " %5.0f", ranks[i]);
    ps_print(run, "\npredicted efficiency");
    for (int i = 0; i < n; i++) ps_print(run, " %5.3f", predicted[i]);
    ps_print(run, "\n");
    ps_record_begin(run, "scaling");
    ps_record_num(run, "latency", network->latency);
    ps_record_num(run, "bandwidth", network->bandwidth);
    ps_record_nums(run, "ranks", ranks, n);
    ps_record_nums(run, "predicted_efficiency", predicted, n);
    if (run->size > 1) {
        const double here = efficiency(p, times, s.alone, network, run->size);
        const double measured = s.alone / (s.alone + s.exchange);
        ps_print(run, "this run, %d ranks: predicted %.3f, measured %.3f\n", run->size, here, measured);
        ps_record_num(run, "predicted_here", here);
        ps_record_num(run, "measured_here", measured);
    }
    ps_record_end(run);
}

enum ps_status ps_scaling_tell(struct ps_run *run, const struct ps_train_params *params,
                               const struct ps_train_times *times)
{
    struct ps_network network;
    if (times->steps == 0) return PS_OK;
    /* the first rank predicts: with fewer grains than threads others may have gone through none */
    int known = times->overlap.points > 0;
    MPI_Bcast(&known, 1, MPI_INT, 0, run->comm);
    if (!known) return PS_OK;
    if (params->network[0]) {
        PS_TRY(ps_train_network(params, &network));
    } else if (run->size > 1) {
        PS_TRY(ps_network_measure(run->comm, PS_GRADIENT_BUCKET, &network));
    } else {
        ps_print(run, "more ranks: nothing is known of the network; run on two ranks or more, or give "
                      "--network\n");
        return PS_OK;
    }
    tell(run, params, times, &network);
    return PS_OK;
}
