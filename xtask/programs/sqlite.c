// SQLite in memory: tables, an index, a transaction, aggregates, text and a function of ours.

#include <stdio.h>
#include <stdlib.h>

#include "sqlite3.h"

static int print_row(void *unused, int columns, char **values, char **names) {
  for (int i = 0; i < columns; i++)
    printf("%s%s=%s", i ? " " : "", names[i], values[i] ? values[i] : "NULL");
  printf("\n");
  return 0;
}

static void run(sqlite3 *database, const char *sql) {
  char *message = NULL;
  if (sqlite3_exec(database, sql, print_row, NULL, &message) != SQLITE_OK)
    printf("error: %s\n", message);
  sqlite3_free(message);
}

static void collatz(sqlite3_context *context, int count, sqlite3_value **values) {
  sqlite3_int64 n = sqlite3_value_int64(values[0]);
  int steps = 0;
  for (; n > 1; steps++)
    n = n % 2 ? 3 * n + 1 : n / 2;
  sqlite3_result_int(context, steps);
}

int main(void) {
  sqlite3 *database;
  if (sqlite3_open(":memory:", &database) != SQLITE_OK) {
    printf("cannot open: %s\n", sqlite3_errmsg(database));
    return 1;
  }
  sqlite3_create_function(database, "collatz", 1, SQLITE_UTF8, NULL, collatz, NULL, NULL);
  run(database, "CREATE TABLE city(name TEXT PRIMARY KEY, people INTEGER, area REAL)");
  run(database, "CREATE INDEX by_people ON city(people DESC)");
  run(database, "BEGIN; INSERT INTO city VALUES('Oslo', 709037, 480.75),('Bergen', 289330, 464.71),"
                "('Tromsø', 77544, 2521.0); COMMIT");
  run(database, "INSERT INTO city VALUES('Oslo', 1, 1)");
  run(database, "SELECT name, round(people / area, 2) AS density FROM city ORDER BY density");
  run(database, "SELECT count(*), sum(people), avg(area), group_concat(upper(name)) FROM city");
  run(database, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
                "SELECT max(collatz(i)), sum(i * i) FROM n");
  run(database, "SELECT printf('%08.3f', 355.0 / 113), hex(zeroblob(4)), typeof(1e3)");
  run(database, "EXPLAIN QUERY PLAN SELECT name FROM city WHERE people > 100000 ORDER BY people");
  run(database, "SELECT nonsense FROM city");
  int code = sqlite3_extended_errcode(database);
  sqlite3_close(database);
  return code;
}
