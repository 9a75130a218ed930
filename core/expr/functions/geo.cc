// Places on the earth: distances, containment and geohashes; PostgreSQL has them in extensions only. Degrees
// of WGS 84, latitude first.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/data/text_io.h"
#include "core/expr/function.h"
#include "core/expr/kernel.h"

namespace streamrun {

namespace {

// Mean radius (2a + b) / 3 of the WGS 84 ellipsoid in metres: a = 6378137, b = 6356752.314245 (NIMA
// TR8350.2). A sphere of it is within 0.6 % of the ellipsoid's distances.
constexpr double kEarthRadius = (2 * 6378137.0 + 6356752.314245) / 3;
constexpr double kRadians = std::numbers::pi / 180;

// False, after failing the row, for NaN too.
bool Check(Row& row, std::string_view what, double degrees, double most) {
  if (degrees >= -most && degrees <= most) return true;
  std::string message(what);
  message += ' ';
  PrintDouble(degrees, message);
  row.Fail("22003", message + " is out of range: -" + std::to_string(static_cast<int>(most)) + " to " +
                        std::to_string(static_cast<int>(most)));
  return false;
}
bool CheckPlace(Row& row, double latitude, double longitude) {
  return Check(row, "latitude", latitude, 90) && Check(row, "longitude", longitude, 180);
}

// Haversine formula (Sinnott, "Virtues of the Haversine", Sky and Telescope 68, 1984): exact also for places
// close to each other.
double Distance(double latitude1, double longitude1, double latitude2, double longitude2) {
  const double up = std::sin((latitude2 - latitude1) * kRadians / 2);
  const double across = std::sin((longitude2 - longitude1) * kRadians / 2);
  const double half_chord =
      up * up + std::cos(latitude1 * kRadians) * std::cos(latitude2 * kRadians) * across * across;
  return 2 * kEarthRadius * std::asin(std::sqrt(std::min(1.0, half_chord)));
}

double GeoDistance(Row& row, double latitude1, double longitude1, double latitude2, double longitude2) {
  if (!CheckPlace(row, latitude1, longitude1) || !CheckPlace(row, latitude2, longitude2)) return 0;
  return Distance(latitude1, longitude1, latitude2, longitude2);
}

bool WithinCircle(Row& row, double latitude, double longitude, double centre_latitude,
                  double centre_longitude, double radius) {
  if (!CheckPlace(row, latitude, longitude) || !CheckPlace(row, centre_latitude, centre_longitude))
    return false;
  if (!(radius >= 0)) {
    row.Fail("22023", "the radius must not be negative");
    return false;
  }
  // The difference of latitudes alone decides most rows without trigonometry; the slack covers rounding.
  const double rows_apart = std::abs(latitude - centre_latitude) * kRadians * kEarthRadius;
  if (rows_apart > radius * (1 + 1e-9) + 1e-3) return false;
  return Distance(latitude, longitude, centre_latitude, centre_longitude) <= radius;
}

// A box whose west is greater than its east crosses the 180th meridian.
bool WithinBox(Row& row, double latitude, double longitude, double south, double west, double north,
               double east) {
  if (!CheckPlace(row, latitude, longitude) || !CheckPlace(row, south, west) ||
      !CheckPlace(row, north, east)) {
    return false;
  }
  if (latitude < south || latitude > north) return false;
  return west <= east ? longitude >= west && longitude <= east : longitude >= west || longitude <= east;
}

// Niemeyer's geohash: halving the ranges of longitude and latitude in turn, five bits a digit.
void Geohash(Row& row, TextSink& out, double latitude, double longitude, int32_t precision) {
  constexpr char kDigits[] = "0123456789bcdefghjkmnpqrstuvwxyz";
  if (!CheckPlace(row, latitude, longitude)) return;
  if (precision < 1 || precision > 12) {
    return row.Fail("22023",
                    "the precision of a geohash is 1 to 12 characters, not " + std::to_string(precision));
  }
  const double values[2] = {longitude, latitude};
  double low[2] = {-180, -90};
  double high[2] = {180, 90};
  int digit = 0;
  for (int bit = 0; bit < precision * 5; ++bit) {
    const int axis = bit % 2;
    const double middle = (low[axis] + high[axis]) / 2;
    const bool upper = values[axis] >= middle;
    (upper ? low : high)[axis] = middle;
    digit = digit * 2 + (upper ? 1 : 0);
    if (bit % 5 != 4) continue;
    out.Push(kDigits[digit]);
    digit = 0;
  }
}

}  // namespace

void AddGeo(FunctionTable& t) {
  using enum Arg;
  t.push_back(
      {"geo_distance",
       {kDouble, kDouble, kDouble, kDouble},
       kDouble,
       Rows<GeoDistance>,
       "metres between two places (latitude, longitude, latitude, longitude) on a sphere of the earth's "
       "mean radius",
       "round(geo_distance(52.52, 13.405, 48.8566, 2.3522)) -> 877465",
       kAddition});
  t.push_back({"geo_within",
               {kDouble, kDouble, kDouble, kDouble, kDouble},
               kBoolean,
               Rows<WithinCircle>,
               "true when a place is at most so many metres from another (latitude, longitude, latitude, "
               "longitude, metres)",
               "geo_within(52.52, 13.405, 52.5, 13.4, 5000) -> t",
               kAddition});
  t.push_back(
      {"geo_within",
       {kDouble, kDouble, kDouble, kDouble, kDouble, kDouble},
       kBoolean,
       Rows<WithinBox>,
       "true when a place is in a box (latitude, longitude, south, west, north, east); a west greater "
       "than the east crosses the 180th meridian",
       "geo_within(52.52, 13.405, 52, 13, 53, 14) -> t",
       kAddition});
  t.push_back({"geohash",
               {kDouble, kDouble, kInteger},
               kText,
               Rows<Geohash>,
               "the geohash of a place (latitude, longitude) with 1 to 12 characters",
               "geohash(57.64911, 10.40744, 11) -> u4pruydqqvj",
               kAddition});
}

}  // namespace streamrun
