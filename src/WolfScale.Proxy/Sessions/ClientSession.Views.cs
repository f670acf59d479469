using WolfScale.Proxy.Sql;

namespace WolfScale.Proxy.Sessions;

/// <summary>
/// Statements that name a view of which the proxy knows that it hides something (<see cref="HiddenViews"/>) go to the leader. A proxy that stands alone knows of none: the proxy of the reader that it
/// asks refuses such a statement with what a server says that must not write, and it is asked of the leader.
/// </summary>
internal sealed partial class ClientSession
{
    /// <summary>A prepared statement is compared again when the views have changed.</summary>
    private void LookForViews(PreparedStatement statement)
    {
        var views = _context.Routes.Views;
        if (statement.Views == views)
            return;
        statement.Views = views;
        if (StatementClassifier.Classify(statement.Sql, Classifier) is { NamesHiddenView: true } now)
            statement.MeetsHiddenView(now.Traits);
    }

    /// <summary>Another proxy wants this node's own server.</summary>
    private bool RefusesView(StatementClass statement)
    {
        if (_login!.Hop != HopKind.ToReader || !statement.NamesHiddenView || statement.Route == StatementRoute.Local)
            return false;
        Answer(ProxyErrors.HidesMore);
        return true;
    }
}
