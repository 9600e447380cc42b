extern int placeholder;
int placeholder;
