// Frame headers from a hostile peer: whatever is accepted must be what we would have written.
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "core/base/crc32c.h"
#include "runner/link/frame.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace streamrun;
  const auto check = [](std::string_view bytes) {
    const auto header = DecodeFrameHeader(bytes);
    if (!header.ok()) return;
    const FrameBytes again = EncodeFrameHeader(*header);
    if (std::memcmp(again.data(), bytes.data(), again.size()) != 0) std::abort();
  };
  check({reinterpret_cast<const char*>(data), size});
  if (size < kFrameHeaderSize) return 0;
  // Once more with a right checksum, or the fuzzer would hardly ever get past it.
  FrameBytes sealed;
  std::memcpy(sealed.data(), data, sealed.size());
  const uint32_t crc = Crc32c(sealed.data(), sealed.size() - 4);
  std::memcpy(sealed.data() + sealed.size() - 4, &crc, 4);
  check({reinterpret_cast<const char*>(sealed.data()), sealed.size()});
  return 0;
}
