#!/bin/bash
# psml-data pack and generate images: folders, tar files and tables, on 1 to 4 ranks; parts, several labels, broken images, stop and
# resume, stacks of bands.
# timeout: 240
# shellcheck disable=SC2016 # eval expands them
set -u
. tests/lib.sh
cd "$TMP" || exit 1
data=$BIN/psml-data
on() { n=$1 && shift && "$MPIRUN" -np "$n" "$data" "$@" 2>err; } # ranks, arguments
says() { grep -q -e "$1" err || { cat err && false; }; }          # words that standard error must have
if ! "$data" generate images tree -n 90 --classes 3 --height 20 --width 24 >/dev/null 2>err; then
    grep -q libjpeg err && skip 'pack' 'built without libjpeg' && exit 0
fi
labels() { "$data" convert "$1" --input-dataset label labels.csv >/dev/null && paste -sd' ' labels.csv; }

# --- pictures ------------------------------------------------------------------------------------------------
expect 'pictures: 30 of each class' [ "$(find tree -name '*.jpg' | cut -d/ -f2 | sort | uniq -c | awk '{ print $1 }' | paste -sd,)" = 30,30,30 ]
for n in 1 3; do on "$n" generate images "g$n.tar" -n 90 --classes 3 --height 20 --width 24 >/dev/null; done
expect 'pictures: a tar file, the same on 1 and 3 ranks' cmp g1.tar g3.tar
expect 'pictures: the tar file is one for tar too, and holds the same files' eval 'mkdir un && tar xf g1.tar -C un && diff -r un tree'

if on 1 generate images png -n 90 --classes 3 --height 20 --width 24 --format png >/dev/null; then
    on 3 generate images png.tar -n 90 --classes 3 --height 20 --width 24 --format png >/dev/null
    expect 'pictures: PNG, the same on 1 and 3 ranks' eval 'mkdir unpng && tar xf png.tar -C unpng && diff -r unpng png && [ "$(find png -name "*.png" | wc -l)" = 90 ]'
else
    skip 'pictures: PNG' "$(head -n 1 err)"
fi

# --- the same bytes from everywhere -----------------------------------------------------------------------------
if ! on 1 pack tree p1.nc >out1; then
    grep -q PnetCDF err && skip 'pack' 'built without PnetCDF' && exit 0
fi
for n in 2 3 4; do
    on "$n" pack tree "p$n.nc" >"out$n"
    expect "pixels: the same on 1 and $n ranks" cmp p1.nc "p$n.nc"
done
expect 'pixels: what it says' grep -q 'p1.nc: 90 images of 3 classes, 20 x 24 x 3 uint8' out1
on 2 pack g1.tar t.nc >/dev/null
expect 'pixels: the same from a tar file' cmp p1.nc t.nc
for n in 1 3; do on "$n" pack tree "k$n.nc" --keep jpeg >/dev/null; done
expect 'files: the same on 1 and 3 ranks' cmp k1.nc k3.nc
total=$(cat tree/*/*.jpg | wc -c)
expect 'files: they are packed as they are' eval 'cat tree/*/*.jpg | cmp - <(tail -c "$total" k1.nc)'
expect 'labels: sorted classes' [ "$(labels p1.nc)" = "$(printf '0\n%.0s' {1..30} | paste -sd' ') $(printf '1\n%.0s' {1..30} | paste -sd' ') $(printf '2\n%.0s' {1..30} | paste -sd' ')" ]
if [ -d png ]; then
    on 2 pack png png.nc >outpng
    # both were drawn from the same numbers: JPEG changes means by less than a grey
    expect 'pixels: of PNG, with the means of JPEG' eval 'cmp <(labels png.nc) <(labels p1.nc) && paste -d" " <(grep ^band outpng) <(grep ^band out1) | awk "{ d = \$4 - \$10; if (d > 1 || d < -1) bad = 1 } END { exit bad || NR != 3 }"'
fi
on 2 pack tree small.nc --size 8x12 >out
expect 'pixels: another size' grep -q '8 x 12 x 3' out

# --- parts -------------------------------------------------------------------------------------------------------
for n in 1 2; do on "$n" pack tree "s$n.nc" --split train=0.8,valid=0.1,test=0.1 >"out$n"; done
expect 'split: the same on 1 and 2 ranks' cmp s1.nc s2.nc
expect 'split: shares of each class' eval 'grep -q "train: 72 images" out1 && grep -q "valid: 9 images" out1 && [ "$(labels s1.nc | cut -d" " -f1-72 | tr " " "\n" | sort | uniq -c | awk "{ print \$1 }" | paste -sd,)" = 24,24,24 ]'
mkdir parted && cp -r tree parted/train && cp -r tree parted/val
on 2 pack parted parted.nc >out
expect 'parts: folders called train and val' eval 'grep -q "train: 90 images" out && grep -q "valid: 90 images" out && grep -q "of 3 classes" out'
expect 'parts: shares of what has parts' fails on 2 pack parted no.nc --split train=0.5,test=0.5
expect 'parts: why not' says 'have parts already'
expect 'shares that are less than all' fails on 2 pack tree no.nc --split train=0.5
expect 'shares: why not' says 'add up to 0.5'

# --- tables ------------------------------------------------------------------------------------------------------
(cd tree && find . -name '*.jpg' | sort | sed 's,^\./,,; s,\(class_\(...\)/.*\),\1\,\2,') >tree/all.csv
on 2 pack tree/all.csv c.nc >/dev/null
expect 'table: the same labels' [ "$(labels c.nc)" = "$(labels p1.nc)" ]
printf 'path,labels\n"class_000/image_000000000.jpg",sea;wood\nclass_001/image_000000001.jpg,\nclass_002/image_000000002.jpg,town\n' >tree/several.csv
on 3 pack tree/several.csv several.nc >out
expect 'table: several labels' eval 'grep -q "3 images of 3 classes" out && "$data" convert several.nc --input-dataset labels several-labels.csv >/dev/null && [ "$(paste -sd" " several-labels.csv)" = "1,0,1 0,0,0 0,1,0" ]'
echo 'nowhere.jpg,1' >tree/bad.csv
expect 'table: a path that is not there' fails on 2 pack tree/bad.csv no.nc
expect 'table: names line and path' says 'bad.csv, line 1: tree/nowhere.jpg: no such file'

# --- broken images -------------------------------------------------------------------------------------------------
cp -r tree cut && truncate -s 300 cut/class_001/image_000000004.jpg && echo no >cut/class_002/image_000000005.jpg
expect 'broken: goes on' eval 'on 2 pack cut cut.nc >out'
"$data" pack cut cut.nc >out 2>err
expect 'broken: told' eval 'grep -q "88 images" out && grep -q "broken: 2 images" out'
expect 'broken: by name, with the reason' eval 'says "class_001/image_000000004.jpg: is a damaged JPEG" && says "image_000000005.jpg: is no JPEG, PNG or TIFF"'
expect 'broken: their places are marked' [ "$(labels cut.nc | tr ' ' '\n' | grep -n -e -1 | cut -d: -f1 | paste -sd,)" = 32,62 ]
on 3 pack cut cut3.nc >/dev/null
expect 'broken: the same on 2 and 3 ranks' cmp cut.nc cut3.nc
on 2 pack cut no.nc --broken fatal
status=$?
expect 'broken: fatal' eval '[ $status = 1 ] && says image_00000000 && [ ! -e no.nc ]'
expect 'a cut tar file' eval 'head -c 30000 g1.tar >short.tar; fails on 2 pack short.tar no.nc && says "short.tar: is truncated"'
expect 'a compressed tar file' eval 'gzip -k g1.tar; fails on 2 pack g1.tar.gz no.nc && says "unpack it first"'
expect 'no such folder' eval 'fails on 3 pack nowhere no.nc && says "nowhere: "'
expect 'a folder without images' eval 'mkdir empty && fails on 2 pack empty no.nc && says "no images"'

# --- stop and go on ------------------------------------------------------------------------------------------------
"$data" generate images many.tar -n 4000 --classes 4 --height 32 --width 32 >/dev/null
on 2 pack many.tar whole.nc --size 96x96 >/dev/null
"$MPIRUN" -np 2 "$data" pack many.tar again.nc --size 96x96 --round 1 >/dev/null 2>err &
job=$!
for _ in $(seq 200); do [ -e again.nc.progress ] && break; sleep 0.01; done
kill -USR1 $job
wait $job
status=$?
if [ "$status" = 85 ]; then
    expect 'stop: what is left, and what to do' eval '[ -e again.nc.part ] && [ ! -e again.nc ] && says "the same command goes on"'
    on 3 pack many.tar again.nc --size 96x96 >/dev/null
    expect 'stop: goes on where it was' says 'going on after image [1-9]'
    expect 'stop: the same bytes, nothing is left' eval 'cmp whole.nc again.nc && [ ! -e again.nc.part ] && [ ! -e again.nc.progress ]'
else
    [ "$status" = 0 ] || cat err
    expect 'stop: done before the signal came' eval '[ "$status" = 0 ] && cmp whole.nc again.nc'
fi
printf 'rubbish' >odd.nc.progress && printf 'rubbish' >odd.nc.part
on 2 pack tree odd.nc >/dev/null
expect 'a progress file of something else is not gone by' cmp p1.nc odd.nc

# --- stacks of bands -------------------------------------------------------------------------------------------------
if "$TOOLS/tiff-stack" stacks >out; then
    for n in 1 2 3; do on "$n" pack stacks "b$n.nc" >"out$n"; done
    expect 'bands: the same on 1 to 3 ranks' eval 'cmp b1.nc b2.nc && cmp b1.nc b3.nc'
    # the mean of band b is 1000 b + 100 x 5.5 + 10 x 4 + 3
    expect 'bands: five of 16 bits, with their means' eval 'grep -q "9 x 7 x 5 uint16" out1 && grep -q "band 0: mean 593.000" out1 && grep -q "band 4: mean 4593.000" out1'
else
    skip 'bands' "$(cat out)"
    exit 0
fi

# --- bands in files of their own: a folder for each patch, 12 x 12, 6 x 6 and 2 x 2 pixels ---------------------------
"$TOOLS/tiff-stack" patches patches
printf 'path,labels\npatch_0,sea;wood\npatch_1,sea\npatch_2,\npatch_3,town\npatch_4,wood\npatch_5,sea\n' >patches/labels.csv
for n in 1 2 3; do on "$n" pack patches/labels.csv "p$n.nc" --bands B02,B05,B01 >"out$n"; done
expect 'bands of files: the same on 1 to 3 ranks' eval 'cmp p1.nc p2.nc && cmp p1.nc p3.nc'
# B02: 1000 + 100 x 2.5 + 12 x 5.5 + 5.5; B05: 3000 + 60 x 2.5; B01: 500 + 2.5
expect 'bands of files: of the finest size, in the order that is asked for, each with its mean' \
    eval 'grep -q "6 images of 3 classes, 12 x 12 x 3 uint16" out1 && grep -q "band 0: mean 1321.500" out1 && grep -q "band 1: mean 3150.000" out1 && grep -q "band 2: mean 502.500" out1'
pixels() { tail -c $((6 * 12 * 12 * 3 * 2)) "$1" | od -An -v -t u2 --endian=big -w6; } # a line for each pixel
expect 'bands of files: the finest is as it was' [ "$(pixels p1.nc | awk 'NR > 144 && NR <= 158 { printf "%s ", $1 }')" = '1100 1101 1102 1103 1104 1105 1106 1107 1108 1109 1110 1111 1112 1113 ' ]
# pixel x of 12 has its middle at (x + 0.5) / 2 - 0.5 of 6
expect 'bands of files: a coarser one is interpolated between the middles of its pixels' [ "$(pixels p1.nc | awk 'NR <= 12 { printf "%s ", $2 }')" = '3000 3015 3045 3075 3105 3135 3165 3195 3225 3255 3285 3300 ' ]
expect 'bands of files: a patch has the labels of its folder' eval '"$data" convert p1.nc --input-dataset labels l.csv >/dev/null && [ "$(paste -sd" " l.csv)" = "1,0,1 1,0,0 0,0,0 0,1,0 0,0,1 1,0,0" ]'
mkdir -p classes/a classes/b && cp patches/patch_[012]/* classes/a && cp patches/patch_[345]/* classes/b && tar cf classes.tar classes
on 1 pack classes c1.nc --bands B02,B01 >out
on 2 pack classes.tar c2.nc --bands B02,B01 >/dev/null
expect 'bands of files: folders of classes, and a tar file' eval 'grep -q "6 images of 2 classes, 12 x 12 x 2" out && cmp c1.nc c2.nc && [ "$(labels c1.nc)" = "0 0 0 1 1 1" ]'
on 2 pack classes half.nc --bands B02,B01 --size 6x6 --split train=0.5,test=0.5 >out
expect 'bands of files: another size, in parts' eval 'grep -q "6 x 6 x 2" out && grep -q "train: 4 images" out'
rm classes/a/patch_1_B01.tif && echo no >classes/b/patch_4_B02.tif
for n in 1 3; do
    on "$n" pack classes c3.nc --bands B02,B01 >out
    expect "bands of files, $n ranks: a band that is missing, one that is broken" eval 'grep -q "broken: 2 images" out && says "patch_1: band B01: there is no file of it" && says "patch_4: band B02: is no JPEG" && [ "$(labels c3.nc)" = "0 -1 0 1 -1 1" ]'
    on "$n" pack classes no.nc --bands B02,B01 --broken fatal
    status=$?
    expect "bands of files, $n ranks: fatal" eval '[ $status = 1 ] && says "patch_[14]: band" && [ ! -e no.nc ]'
done
expect 'bands that no file has' eval 'fails on 2 pack patches/labels.csv no.nc --bands B77 && says "no file is one of the bands"'
expect 'bands named twice' eval 'fails on 2 pack patches/labels.csv no.nc --bands B02,B02 && says "B02 stands there twice"'
expect 'bands as files' eval 'fails on 2 pack patches/labels.csv no.nc --bands B02 --keep jpeg && says "put together as pixels"'
