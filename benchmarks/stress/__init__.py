"""What the application must survive: killed processes, failing disks, files that are damaged or made to harm."""
