"""Work that takes a while: who may use which device, processes of our own, and the journals they write."""
