using WolfScale.Server.Metrics;

namespace WolfScale.Server.Dashboard;

/// <summary>What the dashboard shows of its own node, as of now.</summary>
internal interface IDashboardSource
{
    NodeReport Report { get; }

    StatsDocument Stats { get; }

    Figures Figures { get; }
}
