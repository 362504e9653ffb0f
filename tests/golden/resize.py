# Values of PyTorch for tests/unit/test_resize.c: boxes of a picture of 40 x 30 pixels, resized. usage: python resize.py
import torch

pixels = torch.tensor([[[(37 * y + 17 * x * x + 91 * b) % 256 for x in range(30)] for y in range(40)] for b in range(3)])
for top, left, height, width, high, wide in [(0, 0, 40, 30, 7, 9), (5, 3, 20, 21, 33, 40), (1, 2, 39, 8, 13, 8)]:
    box = pixels[None, :, top : top + height, left : left + width].double()
    out = torch.nn.functional.interpolate(box, size=(high, wide), mode="bilinear", antialias=True)[0]
    ends = [out[0, 0, 0], out[1, high // 2, wide // 3], out[2, high - 1, wide - 1], out.sum() / out.numel()]
    print("{" + ", ".join(str(v) for v in (top, left, height, width, high, wide)) + ", {" + ", ".join("%.6f" % v for v in ends) + "}},")
whole = torch.nn.functional.interpolate(pixels[None].double(), size=(20, 15), mode="bilinear", antialias=True)[0]
print(", ".join("%.6f" % v for v in (whole[0, 4, 3], whole[1, 9, 8], whole[2, 15, 12])))
