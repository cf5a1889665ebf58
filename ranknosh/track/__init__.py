"""A search mirrored to TensorBoard and MLflow. The journal is what is true; what is written here can be made from it again."""
