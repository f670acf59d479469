// replaced by the project's first file
namespace WolfScale.Cluster;
