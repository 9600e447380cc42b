#include "store/plant.h"

#ifdef ENCAP_PLANTS
enum plant plant_chosen;
#endif
