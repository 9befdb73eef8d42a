using MessageDelivery.Protocol;

namespace MessageDelivery.Torture.Load;

/// <summary>A relay that is to be sent.</summary>
/// <param name="Receivers">As listed, duplicates included.</param>
/// <param name="IsText">Whether a text user is among them, and the body has to be a line of text.</param>
internal readonly record struct RelayDraft(ulong[] Receivers, RelayFlags Flags, int BodyBytes, bool IsText);
