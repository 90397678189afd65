package org.opensearch.security.privileges;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import org.opensearch.action.ActionRequest;
import org.opensearch.cluster.ClusterState;
import org.opensearch.common.settings.Settings;
import org.opensearch.security.auditlog.NullAuditLog;
import org.opensearch.security.configuration.ClusterInfoHolder;
import org.opensearch.security.privileges.dlsfls.DlsFlsProcessedConfig;
import org.opensearch.security.privileges.dlsfls.DlsRestriction;
import org.opensearch.security.privileges.dlsfls.FieldMasking;
import org.opensearch.security.privileges.dlsfls.FieldPrivileges;
import org.opensearch.security.resolver.IndexResolverReplacer;
import org.opensearch.security.securityconf.FlattenedActionGroups;
import org.opensearch.security.securityconf.impl.CType;
import org.opensearch.security.securityconf.impl.SecurityDynamicConfiguration;
import org.opensearch.security.securityconf.impl.v7.ConfigV7;
import org.opensearch.security.securityconf.impl.v7.RoleV7;
import org.opensearch.security.support.HostResolverMode;
import org.opensearch.security.user.User;

/** A security config as release 3 of the plugin evaluates it. */
final class Rules implements AutoCloseable {
    private final JsonNode users;
    private final PrivilegesEvaluatorImpl evaluator;
    private final DlsFlsProcessedConfig limits;
    private final ClusterState state;

    Rules(JsonNode security, JsonNode world, ClusterState state) throws Exception {
        this.users = security.path("internalusers");
        this.state = state;
        Settings settings = Oracle.settings(world);
        SecurityDynamicConfiguration<RoleV7> roles = Oracle.read(CType.ROLES, security);
        FlattenedActionGroups groups = new FlattenedActionGroups(Oracle.read(CType.ACTIONGROUPS, security));
        RoleMapper mapper = new ConfigurableRoleMapper.CompiledConfiguration(
            Oracle.read(CType.ROLESMAPPING, security),
            HostResolverMode.IP_HOSTNAME,
            ConfigurableRoleMapper.ResolutionMode.MAPPING_ONLY
        );
        ConfigV7 general = new ConfigV7();
        general.dynamic = new ConfigV7.Dynamic();
        general.dynamic.do_not_fail_on_forbidden = world.path("do_not_fail_on_forbidden").asBoolean();
        evaluator = new PrivilegesEvaluatorImpl(
            null, () -> state, mapper, null, Oracle.THREADS, Oracle.RESOLVER, new NullAuditLog(), settings,
            new PrivilegesInterceptor(Oracle.RESOLVER, null, null, null),
            new IndexResolverReplacer(Oracle.RESOLVER, () -> state, new ClusterInfoHolder("oracle")),
            groups, groups, roles, general, Map.of()
        );
        FieldMasking.Config masking = FieldMasking.Config.fromSettings(settings);
        limits = new DlsFlsProcessedConfig(roles, state.metadata().getIndicesLookup(), Oracle.QUERIES, settings, masking);
    }

    PrivilegesEvaluationContext context(JsonNode who, String action, ActionRequest request) {
        String name = who.get("name").asText();
        ImmutableMap.Builder<String, String> attributes = ImmutableMap.builder();
        who.path("attributes").properties().forEach(entry -> attributes.put(entry.getKey(), entry.getValue().asText()));
        ImmutableSet<String> backend = ImmutableSet.copyOf(Oracle.strings(who.path("backend_roles")));
        ImmutableSet<String> own = ImmutableSet.copyOf(Oracle.strings(users.path(name).path("opendistro_security_roles")));
        return evaluator.createContext(new User(name, backend, own, null, attributes.build(), false), action, request, null, null);
    }

    PrivilegesEvaluatorResponse evaluate(PrivilegesEvaluationContext context) {
        return evaluator.evaluate(context);
    }

    boolean isClusterPermission(String action) {
        return PrivilegesEvaluatorImpl.isClusterPerm(action);
    }

    /** Whether what guards limits looks at requests about the cluster, too. */
    boolean guardsCluster() {
        return false;
    }

    /** Whether a request is limited in what it sees; fails where a limit cannot be worked out for any index that it names. */
    boolean limited(PrivilegesEvaluationContext context) throws PrivilegesEvaluationException {
        IndexResolverReplacer.Resolved names = context.getResolvedRequest();
        boolean free = limits.getDocumentPrivileges().isUnrestricted(context, names)
            & limits.getFieldPrivileges().isUnrestricted(context, names)
            & limits.getFieldMasking().isUnrestricted(context, names);
        if (!free) limits.getDocumentPrivileges().getRestrictions(context, names.getAllIndicesResolved(() -> state, Oracle.RESOLVER));
        return !free;
    }

    Map<String, Object> view(PrivilegesEvaluationContext context, String index, List<String> fields) {
        Map<String, Object> view = new HashMap<>(), of = new HashMap<>();
        try {
            DlsRestriction documents = limits.getDocumentPrivileges().getRestriction(context, index);
            FieldPrivileges.FlsRule seen = limits.getFieldPrivileges().getRestriction(context, index);
            FieldMasking.FieldMaskingRule masks = limits.getFieldMasking().getRestriction(context, index);
            view.put("documents", documents.isUnrestricted() ? null : documents.getQueries().stream().map(q -> q.getRenderedSource()).toList());
            for (String field : fields) {
                var mask = masks.get(field);
                of.put(field, !seen.isAllowedRecursive(field) ? false : mask == null ? true : mask.toString());
            }
            view.put("fields", of); // false: hidden; true: seen as it is; else the rule that masks it
        } catch (PrivilegesEvaluationException failed) {
            view.put("error", failed.toString());
        }
        return view;
    }

    @Override
    public void close() {}
}
