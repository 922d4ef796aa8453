/*
 * tests/model/product.h: the product judges the ends of a batch as the model
 * does.
 *
 * Thread: any.
 */
#ifndef TESTS_MODEL_PRODUCT_H
#define TESTS_MODEL_PRODUCT_H

#include <stddef.h>

/* Plays every end that a batch has in the model to verifier/decide.c, prints
 * one line for each, and counts. */
void product_agrees(size_t *passed, size_t *failed);

#endif
