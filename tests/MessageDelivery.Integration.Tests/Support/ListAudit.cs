using MessageDelivery.Hub;

namespace MessageDelivery.Integration.Tests.Support;

/// <summary>Keeps what an audit is told.</summary>
internal sealed class ListAudit : IHubAudit
{
    private readonly List<AuditEvent> _events = [];

    public List<AuditEvent> Events
    {
        get
        {
            lock (_events)
            {
                return [.. _events];
            }
        }
    }

    public string[] Kinds(ulong userId) =>
        [.. Events.Where(happened => happened.UserId == userId).Select(happened => happened.Kind is AuditKind.Left or AuditKind.Removed ? $"{happened.Kind} {happened.Reason}" : $"{happened.Kind}")];

    public void Record(in AuditEvent auditEvent)
    {
        lock (_events)
        {
            _events.Add(auditEvent);
        }
    }
}
