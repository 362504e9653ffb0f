/* Names of one coordinate class: FN(name) is ps_CLASS_name, COORD its type. */
#define PS_JOIN_(a, b, c) a##b##c
#define PS_JOIN(a, b, c) PS_JOIN_(a, b, c)
#define FN(name) PS_JOIN(ps_, CLASS, _##name)
#define COORD PS_JOIN(ps_, CLASS, )
