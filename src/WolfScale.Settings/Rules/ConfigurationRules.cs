namespace WolfScale.Settings.Rules;

/// <summary>The rules between keys. What one key alone may hold stands at the key's declaration.</summary>
public static class ConfigurationRules
{
    public static IEnumerable<Finding> Check(RuleContext context) =>
    [
        .. NodeRules.Check(context),
        .. ClusterRules.Check(context),
        .. ElectionRules.Check(context),
        .. DatabaseRules.Check(context),
        .. AccessRules.Check(context),
        .. PortRules.Check(context),
    ];
}
