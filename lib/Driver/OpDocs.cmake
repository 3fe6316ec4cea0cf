# Writes the text of file IN as a C++ string into file OUT.
file(READ "${IN}" text)
file(WRITE "${OUT}" "R\"aic(${text})aic\"\n")
