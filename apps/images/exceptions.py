"""Refusals of the image service, in Glance's sentences.

Frozen: clients match codes, kinds and sentences. They are API; none is ever changed, a new case gets a new class.
"""

from apps.common.exceptions import BadRequest, CloudError, Conflict, Forbidden, Gone, NotFound, TooLarge


class ImageNotFound(NotFound):
    kind = "ImageNotFound"
    template = "No image found with ID {id}"


class MemberNotFound(NotFound):
    kind = "MemberNotFound"
    template = "{member} not found in the member list of the image {id}."


class TagNotFound(NotFound):
    kind = "TagNotFound"
    template = "Could not find tag {tag} in image {id}."


class SchemaNotFound(NotFound):
    kind = "SchemaNotFound"
    template = "There is no schema named {name}."


class NamespaceNotFound(NotFound):
    kind = "NamespaceNotFound"
    template = "Metadata definition namespace not found: {name}"


class DefinitionNotFound(NotFound):
    kind = "MetadefNotFound"
    template = "The metadata definition {kind} with name={name} was not found in namespace={namespace}."


class NamespaceExists(Conflict):
    kind = "MetadefDuplicateNamespace"
    template = "The metadata definition namespace={name} already exists."


class DefinitionExists(Conflict):
    kind = "MetadefDuplicate"
    template = "A metadata definition {kind} with name={name} already exists in namespace={namespace}."


class ProtectedNamespace(Forbidden):
    kind = "ProtectedMetadefNamespaceDelete"
    template = "Metadata definition namespace {name} is protected and cannot be deleted."


class BlobNotFound(NotFound):
    kind = "BlobNotFound"
    template = "There are no such bits."


class ImageExists(Conflict):
    kind = "ImageExists"
    template = "Image ID {id} already exists!"


class WrongStatus(Conflict):
    kind = "InvalidImageStatusTransition"
    template = "Image {id} is {status}: its status does not allow this ({action})."


class UploadInProgress(Conflict):
    kind = "UploadInProgress"
    template = "Image {id} is being uploaded already."


class FilledByTheCloud(Conflict):
    kind = "ImageIsBeingMade"
    template = "Image {id} is being made of a server: the cloud brings its data."


class NoData(Conflict):
    kind = "NoImageData"
    template = "Image {id} holds no data yet."


class Deactivated(Forbidden):
    kind = "ImageDeactivated"
    template = "The requested image has been deactivated. Image data download is forbidden."


class Protected(Forbidden):
    kind = "ProtectedImage"
    template = "Image {id} is protected and cannot be deleted."


class ReadOnlyAttribute(Forbidden):
    kind = "ReadonlyProperty"
    template = "Attribute '{name}' is read-only."


class ReservedAttribute(Forbidden):
    kind = "ReservedProperty"
    template = "Attribute '{name}' is reserved."


class PropertyConflict(Conflict):
    kind = "PropertyConflict"


class LimitExceeded(TooLarge):
    kind = "LimitExceeded"


class QuotaExceeded(TooLarge):
    kind = "LimitExceeded"
    template = "Quota exceeded for {what}: the project's limit is {allowed}{unit}."


class NoRoom(CloudError):
    code = 507
    kind = "StorageFull"
    template = "The image store has no room for more data. Try again later, or ask the operator of the cloud."


class StoreUnavailable(CloudError):
    code = 503
    kind = "ServiceUnavailable"
    template = "The image store does not answer. Try again later."


class TooManyBytes(TooLarge):
    kind = "ImageSizeLimitExceeded"
    template = "Image exceeds the size cap of {cap} bytes."


class BadImageData(BadRequest):
    kind = "InvalidImageData"
    template = "The image's data was refused: {reason}."


class UploadCutOff(BadRequest):
    kind = "IncompleteUpload"
    template = "The upload ended after {got} of {expected} bytes."


class ImageGone(Gone):
    kind = "ImageGone"
    template = "Image {id} was deleted or its upload was given up while its data came in."


class MemberLimitation(Forbidden):
    kind = "MembersNotAllowed"
    template = "Only shared images have members."


class MemberExists(Conflict):
    kind = "MemberExists"
    template = "{member} is already a member of the image {id}."


class RangeNotSatisfiable(CloudError):
    code = 416
    kind = "RangeNotSatisfiable"
    template = "The byte range lies outside of the image's {size} bytes."


class LengthRequired(CloudError):
    code = 411
    kind = "LengthRequired"
    template = "Announce the length of the data, by Content-Length or by X-OpenStack-Image-Size."
